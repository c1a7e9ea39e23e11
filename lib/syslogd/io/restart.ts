// `syslogd restart`: the process becomes the program that lies at its path now, with its number, its sockets and its connections. Senders notice nothing: what
// they send meanwhile waits in the kernel. First the new program is asked whether it runs, and likes the configuration; then this one goes on by it, as for a
// reload, so that what can't be had (an address, a key) is refused while there is somebody to go on as before: else all stays as it is.
//
// The order: ask; reload; have connections over TLS end, whose keys can't be passed on; read no more; get rid of what was taken (what can't be sent now is on disk, or
// handed over in memory); exec. Between the last two nothing can fail but the exec itself, and what it would start has just run.
import { accessSync, constants } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { writeAnswer } from "../../control/message.ts";
import { type Capability, passOn } from "../../linux/capabilities.ts";
import { become, keepOpen } from "../../linux/exec.ts";
import { notifyServiceManager } from "../../linux/service-manager.ts";
import { readCertificateFiles } from "../../run/certificate-files.ts";
import { systemClock } from "../../run/clock.ts";
import type { Settings } from "../settings.ts";
import { listenersOf } from "../source-plan.ts";
import { environmentWith, type Inheritance } from "./inheritance.ts";
import type { Syslogd } from "./syslogd.ts";

/** What the control socket is called among what is handed over. */
export const CONTROL_KEY = "control";
/** Senders wait for so long at most until what they sent before is on its way, or on disk. */
const FLUSH_MS = 300;
const CHECK_MS = 10_000;

export interface RestartOptions {
  readonly daemon: Syslogd;
  /** What the new process will read. */
  readonly settings: Settings;
  /** Tries what is only done at a start. @throws {Fault} where it can't be */
  readonly tryStart: (settings: Settings) => void;
  readonly env: Record<string, string | undefined>;
  /** -1: none. */
  readonly controlFd: number;
  /** What of root's power this process has kept, and the next will need. */
  readonly kept: readonly Capability[];
  /** Of who waits for an answer; -1: nobody. */
  readonly answerFd: number;
}

/** @throws {Fault} where it is not to be; then nothing has changed */
export async function becomeAnew(options: RestartOptions): Promise<never> {
  const { daemon, settings, tryStart, env, controlFd, kept, answerFd } = options;
  if (daemon.settings.sources.stdin !== "no")
    throw new Fault("usage", "stdin", "what reads stdin can't be restarted: what it has read of that is nowhere else");
  if (!Bun.main.startsWith("/$bunfs/"))
    throw new Fault(
      "usage",
      "not-compiled",
      "this syslogd is run from its source: only the compiled program can become another",
    );
  const args = process.argv.slice(2);
  const path = programPath();
  await checkProgram(path, args, env);
  tryStart(settings);
  for (const { tls } of listenersOf(settings)) if (tls !== undefined) readCertificateFiles(tls); // a reload goes on with the old ones; a start has none
  await daemon.reload(settings);
  notifyServiceManager(`RELOADING=1\nMONOTONIC_USEC=${Math.round(systemClock.monotonicMs() * 1_000)}`, env);
  const { places, ...handed } = await daemon.handOver(FLUSH_MS);
  const control = controlFd < 0 ? [] : [{ key: CONTROL_KEY, fd: controlFd }];
  for (const { fd } of control) keepOpen(fd);
  if (answerFd >= 0) keepOpen(answerFd);
  const { pidFile } = daemon.settings.process; // as it was written: a reload leaves it alone
  const handover = { ...handed, places: [...places, ...control], answerFd, pidFile };
  if (kept.length > 0 && process.geteuid!() !== 0) passOn(kept);
  return becomeOneOf(path, [process.argv0, ...args], environmentWith(handover, env));
}

/** What the kernel puts behind a path whose file has been removed, or replaced. */
const DELETED = " (deleted)";
const WHAT_WE_ARE = "/proc/self/exe";

/** What lies where we were started from; where we can't get there any more (as another user), what we are. @throws {Fault} where nothing lies there */
function programPath(): string {
  const { execPath } = process;
  const path = execPath.endsWith(DELETED) ? execPath.slice(0, -DELETED.length) : execPath;
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new Fault("os-file", "no-program", `no program at ${path}; install one there, then restart`);
    return WHAT_WE_ARE;
  }
}

/** The program at the path, which has just run; where it is gone since, what we are: the host is not to be without. */
function becomeOneOf(path: string, args: readonly string[], env: Record<string, string | undefined>): never {
  try {
    return become(path, args, env);
  } catch (error) {
    if (path === WHAT_WE_ARE) throw error;
    return become(WHAT_WE_ARE, args, env);
  }
}

/** In the new process: to who asked. @param more at the end of the line */
export function answerRestart(inheritance: Inheritance, version: string, more = ""): void {
  if (!inheritance.isSome) return;
  const { summary, losses, sinceMs } = inheritance;
  const ms = Math.round(systemClock.monotonicMs() - sinceMs);
  const lost = losses.map(({ name, records }) => `; ${name}: ${records} lost, which could not be handed over`).join("");
  const value = `restarted: spreadbox ${version}, ${summary}; it took ${ms} ms${lost}${more}`;
  inheritance.answer(writeAnswer({ is: "end", value }));
}

/** The program that we would become says whether it can run by this configuration. */
async function checkProgram(
  path: string,
  args: readonly string[],
  env: Record<string, string | undefined>,
): Promise<void> {
  const child = startCheck(path, args, env);
  const [status, stderr] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (status === 0) return;
  const lines = stderr.split("\n").flatMap((line) => (line === "" ? [] : line.replace(/^syslogd: /, "")));
  const told = lines.map((line) => new Fault("config", "refused", line));
  const found = `${path} --check ended with ${status}`;
  throw new Fault("config", "refused", lines[0] ?? found, told.length === 0 ? {} : { all: told });
}

/** @throws {Fault} where it is no program of this host */
function startCheck(path: string, args: readonly string[], env: Record<string, string | undefined>) {
  try {
    return Bun.spawn({
      cmd: [path, ...args, "--check"],
      argv0: process.argv0,
      env,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: CHECK_MS,
    });
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new Fault("os-file", "no-program", `cannot start ${path}: ${reason}`, { cause });
  }
}
