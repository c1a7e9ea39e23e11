// SIGHUP and `spreadd reload`: rules have changed, or certificates were renewed. What has mistakes is told, and changes nothing.
import type { Log } from "../../base/log.ts";
import { linesOf } from "../../control/io/operation.ts";
import { notifyServiceManager } from "../../linux/service-manager.ts";
import type { Clock } from "../../run/clock.ts";
import type { SpreaddTable } from "../table.ts";
import type { RunningDaemon } from "./serve.ts";

export interface ReloadOptions {
  /** Reads the configuration. @throws {Fault} it has mistakes */
  readonly load: () => SpreaddTable;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** @returns what was done, told already. @throws what is bad, told already */
export function reload(daemon: RunningDaemon, { load, clock, env, log }: ReloadOptions): string {
  notifyServiceManager(`RELOADING=1\nMONOTONIC_USEC=${Math.round(clock.monotonicMs() * 1_000)}`, env);
  try {
    const done = daemon.reload(load());
    log.notice(done);
    return done;
  } catch (error) {
    for (const line of linesOf(error)) log.error(`refused to reload, goes on as before: ${line}`);
    throw error;
  } finally {
    notifyServiceManager("READY=1", env);
  }
}
