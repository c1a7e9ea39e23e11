// What an operator may ask of the daemon while it runs, by signal and by the control socket: both come here, and do the same.
import { Fault } from "../../base/fault.ts";
import { ControlServer, type Handler } from "../../control/io/server.ts";
import { notifyServiceManager } from "../../linux/service-manager.ts";
import type { Clock } from "../../run/clock.ts";
import { changesBetween, describeChanges } from "../changes.ts";
import { describeRule } from "../directed-rule.ts";
import { formatTotals, samplesOf } from "../samples.ts";
import type { Settings } from "../settings.ts";
import type { Syslogd } from "./syslogd.ts";

export interface OperationOptions {
  readonly daemon: Syslogd;
  /** Reads the configuration anew, and checks it. @throws {Fault} where it is wrong */
  readonly load: () => Promise<Settings>;
  readonly clock: Clock;
  readonly env: Record<string, string | undefined>;
}

/** What `syslogd status` shows. */
export interface Status {
  readonly pid: number;
  /** For how long it has run. */
  readonly upMs: number;
  readonly listensOn: readonly string[];
  readonly rules: readonly string[];
  readonly totals: readonly string[];
}

export class Operation {
  readonly #options: OperationOptions;
  readonly #startedMs: number;

  constructor(options: OperationOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
  }

  /** SIGHUP: files are opened anew, whether or not the new configuration is any good. */
  async hangUp(): Promise<void> {
    this.#options.daemon.reopen();
    await this.reload().catch(() => {}); // told already
  }

  /** Goes on with the new configuration, or refuses it and goes on with the old one: told either way. */
  async reload(): Promise<string> {
    const { daemon, load, clock, env } = this.#options;
    notifyServiceManager(`RELOADING=1\nMONOTONIC_USEC=${Math.round(clock.monotonicMs() * 1_000)}`, env);
    try {
      const settings = await load();
      const text = describeChanges(changesBetween(daemon.settings, settings));
      daemon.reload(settings);
      daemon.say("notice", text);
      return text;
    } catch (error) {
      for (const line of linesOf(error)) daemon.say("err", `refused to reload, goes on as before: ${line}`);
      throw error;
    } finally {
      notifyServiceManager("READY=1", env);
    }
  }

  /** SIGUSR1: the counters, as messages. */
  tellTotals(): void {
    const { daemon } = this.#options;
    for (const line of formatTotals(daemon.totals)) daemon.say("notice", line);
  }

  status(): Status {
    const { daemon, clock } = this.#options;
    return {
      pid: process.pid,
      upMs: Math.round(clock.monotonicMs() - this.#startedMs),
      listensOn: daemon.listensOn,
      rules: daemon.settings.rules.map(describeRule),
      totals: formatTotals(daemon.totals),
    };
  }

  /** Listens for operators' commands. `undefined` where that is not to be: told, and no reason not to log. */
  async listen(path: string): Promise<Disposable | undefined> {
    const { daemon } = this.#options;
    const handlers: Record<string, Handler> = {
      status: async () => this.status(),
      stats: async () => samplesOf(daemon.totals),
      reload: async (_, { part }) => {
        try {
          return await this.reload();
        } catch (error) {
          for (const line of linesOf(error)) part(line);
          throw error;
        }
      },
      reopen: async () => {
        daemon.reopen();
        return "opened its files anew";
      },
    };
    const say = (severity: "err" | "warning" | "notice" | "debug") => (text: string) => daemon.say(severity, text);
    const log = { error: say("err"), warn: say("warning"), notice: say("notice"), debug: say("debug") };
    try {
      const server = await ControlServer.listen({ path, handlers, log });
      return { [Symbol.dispose]: () => stopServer(server) };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      daemon.say("notice", `no control socket, so no status, stats, reload and reopen: ${error.message}`);
      return undefined;
    }
  }
}

/** As another user than made the socket we may not remove it: the next one does. */
function stopServer(server: ControlServer): void {
  try {
    server.stop();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM")))
      throw error;
  }
}

/** Every mistake, one a line. */
function linesOf(error: unknown): string[] {
  if (!(error instanceof Fault)) return [String(error)];
  return error.all.length > 0 ? error.all.map(({ message }) => message) : [error.message];
}
