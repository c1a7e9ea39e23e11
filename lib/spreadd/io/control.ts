// The daemon's control socket: `status` once, `watch` for as long as somebody listens. Root's, or the daemon's own user's.

import { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import { toldInParts } from "../../control/io/operation.ts";
import { ControlServer } from "../../control/io/server.ts";
import type { Clock } from "../../run/clock.ts";
import { type Census, censusOf } from "../census.ts";
import type { RunningDaemon } from "./serve.ts";

/** What `status` tells. */
export interface SpreaddStatus extends Census {
  readonly name: string;
  readonly pid: number;
  readonly upMs: number;
  readonly version: string;
  readonly engine: string;
  readonly listensOn: readonly string[];
}

export interface ControlOptions {
  readonly path: string;
  readonly engine: string;
  readonly version: string;
  /** @returns what was done. @throws what is bad */
  readonly reload: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Listens for operators' commands. `undefined` where that is not to be: told, and no reason not to serve. */
export async function listenForControl(
  daemon: RunningDaemon,
  options: ControlOptions,
): Promise<ControlServer | undefined> {
  const { path, engine, version, clock, log } = options;
  const startedMs = clock.monotonicMs();
  const { server, name, listening: listensOn } = daemon;
  const status = (): SpreaddStatus => ({
    name,
    pid: process.pid,
    upMs: Math.round(clock.monotonicMs() - startedMs),
    version,
    engine,
    listensOn,
    ...censusOf(server.daemon),
  });
  try {
    return await ControlServer.listen({
      path,
      log,
      handlers: {
        status: async () => status(),
        reload: async (_, { part }) => await toldInParts(new Promise((resolve) => resolve(options.reload())), part),
        watch: async (_, { part, gone }) => {
          while (!gone.aborted) {
            part(status());
            await server.change(gone);
          }
        },
      },
    });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.notice(`no control socket, so no status: ${error.message}`);
    return undefined;
  }
}
