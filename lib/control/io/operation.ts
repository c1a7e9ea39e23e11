// What an operator may ask of a service while it runs, by signal and by the control socket: both come here, and do the same.
import type { Sample } from "../../base/counters.ts";
import { Fault } from "../../base/fault.ts";
import { notifyServiceManager } from "../../linux/service-manager.ts";
import type { Clock } from "../../run/clock.ts";
import { ControlServer, type Handler } from "./server.ts";

/** A service, as far as it is operated: all that these words need of it. */
export interface Operated<Settings> {
  say(severity: "err" | "warning" | "notice" | "debug", text: string): void;
  /** Files may have been moved away. */
  reopen(): void;
  /** Goes on with other settings. @returns what changed, in a line */
  reload(settings: Settings): string | Promise<string>;
  /**
   * Becomes another process of the same program, with its sockets; left out where it can't.
   * @param settings what that process will read
   * @param answerFd who asked for it waits on this descriptor for a line of answer, from that process; -1: nobody does
   * @throws {Fault} where it is not to be; then all goes on as before
   */
  restart?(settings: Settings, answerFd: number): Promise<never>;
  /** What its `status` shows between the process's own part and the counts. */
  facts(): Readonly<Record<string, unknown>>;
  /** What it counted, for people: a line each. */
  counts(): readonly string[];
  /** The same for programs. */
  samples(): readonly Sample[];
}

export interface OperationOptions<Settings> {
  readonly service: Operated<Settings>;
  /** Reads the configuration anew, and checks it. @throws {Fault} where it is wrong */
  readonly load: () => Promise<Settings>;
  readonly clock: Clock;
  readonly env: Record<string, string | undefined>;
  /** Words of this service alone, or that it answers in its own way. */
  readonly words?: Readonly<Record<string, Handler>>;
}

/** What `status` shows of any service. */
export interface CommonStatus {
  readonly pid: number;
  /** For how long it has run. */
  readonly upMs: number;
  readonly totals: readonly string[];
}

export class Operation<Settings> {
  readonly #options: OperationOptions<Settings>;
  readonly #startedMs: number;
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(options: OperationOptions<Settings>) {
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
  }

  /** SIGHUP: files are opened anew, whether or not the new configuration is any good. */
  async hangUp(): Promise<void> {
    this.#options.service.reopen();
    await this.reload().catch(() => {}); // told already
  }

  /** Goes on with the new configuration, or refuses it and goes on with the old one: told either way. */
  reload(): Promise<string> {
    // One at a time, each by the configuration as it is then.
    const reloaded = this.#reloading.then(() => this.#reload());
    this.#reloading = reloaded.catch(() => {});
    return reloaded;
  }

  async #reload(): Promise<string> {
    const { service, load, clock, env } = this.#options;
    notifyServiceManager(`RELOADING=1\nMONOTONIC_USEC=${Math.round(clock.monotonicMs() * 1_000)}`, env);
    try {
      const text = await service.reload(await load());
      service.say("notice", text);
      return text;
    } catch (error) {
      for (const line of linesOf(error)) service.say("err", `refused to reload, goes on as before: ${line}`);
      throw error;
    } finally {
      notifyServiceManager("READY=1", env);
    }
  }

  /** SIGUSR1: the counters, as messages. */
  tellTotals(): void {
    const { service } = this.#options;
    for (const line of service.counts()) service.say("notice", line);
  }

  status(): CommonStatus {
    const { service, clock } = this.#options;
    const upMs = Math.round(clock.monotonicMs() - this.#startedMs);
    return { pid: process.pid, upMs, ...service.facts(), totals: service.counts() };
  }

  /** Becomes another process. Where that is refused, all goes on: told either way. */
  restart(answerFd = -1): Promise<never> {
    // Behind a reload that has begun; and what is asked for behind this is asked of nobody any more.
    const restarted = this.#reloading.then(() => this.#restart(answerFd));
    this.#reloading = restarted.catch(() => {});
    return restarted;
  }

  async #restart(answerFd: number): Promise<never> {
    const { service, load } = this.#options;
    try {
      if (service.restart === undefined) throw new Fault("usage", "no-restart", "this service can't be restarted so");
      return await service.restart(await load(), answerFd);
    } catch (error) {
      for (const line of linesOf(error)) service.say("err", `refused to restart, goes on as before: ${line}`);
      throw error;
    }
  }

  /** Listens for operators' commands. @param fd a socket that listens there already. `undefined` where that is not to be: told, and no reason not to go on. */
  async listen(path: string, fd?: number): Promise<ListeningControl | undefined> {
    const { service } = this.#options;
    const handlers: Record<string, Handler> = {
      status: async () => this.status(),
      stats: async () => service.samples(),
      reload: async (_, { part }) => await toldInParts(this.reload(), part),
      restart: async (_, { part, fd }) => await toldInParts(this.restart(fd), part),
      reopen: async () => {
        service.reopen();
        return "opened its files anew";
      },
      ...this.#options.words,
    };
    const say = (severity: "err" | "warning" | "notice" | "debug") => (text: string) => service.say(severity, text);
    const log = { error: say("err"), warn: say("warning"), notice: say("notice"), debug: say("debug") };
    try {
      const server = await ControlServer.listen({ path, handlers, log, ...(fd === undefined ? {} : { fd }) });
      return {
        get fd() {
          return server.fd;
        },
        [Symbol.dispose]: () => stopServer(server),
      };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      service.say("notice", `no control socket, so no commands: ${error.message}`);
      return undefined;
    }
  }
}

/** `fd`: the socket, to be left to another process. */
export interface ListeningControl extends Disposable {
  readonly fd: number;
}

/** Every mistake is a part of the answer. */
export async function toldInParts<T>(done: Promise<T>, part: (value: unknown) => void): Promise<T> {
  try {
    return await done;
  } catch (error) {
    for (const line of linesOf(error)) part(line);
    throw error;
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
export function linesOf(error: unknown): string[] {
  if (!(error instanceof Fault)) return [String(error)];
  return error.all.length > 0 ? error.all.map(({ message }) => message) : [error.message];
}
