// The process itself: its pid file, whom it runs as, and the beat that a service manager waits for.
import {
  accessSync,
  closeSync,
  constants,
  fchownSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../base/fault.ts";
import type { ProcessSettings } from "../base/process-settings.ts";
import { reasonOf } from "../base/system-reason.ts";
import { type Capability, keepOnly, keepThroughUserChange } from "../linux/capabilities.ts";
import { notifyServiceManager } from "../linux/service-manager.ts";
import { accountOf } from "./accounts.ts";
import { makePrivateDirectory } from "./private-directory.ts";

type Say = (severity: "warning" | "notice", text: string) => void;

/** A pid file has no more than a number; what else stands at its path was named by mistake. */
const PID_FILE = /^\s*\d{0,10}\s*$/;
const PID_FILE_BYTES_MAX = 64;

/**
 * Leaves our number in a file; whoever reads it finds all of it or nothing.
 * @param isOursAlready this process was another one before, and that has left its number there: it may be nobody now who could read or write it
 * @throws {Fault} kind "cannot-create": it can't be written, or what stands there is no pid file
 */
export function keepPidFile(path: string, isOursAlready = false): Disposable {
  if (path === "") return { [Symbol.dispose]() {} };
  const kept = { [Symbol.dispose]: () => removeOwn(path) };
  if (isOursAlready || isOwn(path)) return kept;
  try {
    refuseOther(path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, `${process.pid}\n`);
    renameSync(`${path}.new`, path);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("cannot-create", "pid-file", `cannot write ${path}: ${reasonOf(cause)}`, { cause });
  }
  return kept;
}

function refuseOther(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  const isPidFile = found.isFile() && found.size <= PID_FILE_BYTES_MAX && PID_FILE.test(readFileSync(path, "latin1"));
  if (isPidFile) return;
  const kind = found.isDirectory() ? "a directory" : "a file that is no pid file";
  throw new Fault(
    "cannot-create",
    "no-pid-file",
    `cannot write ${path}: ${kind} stands there; remove it, or choose another path`,
  );
}

function isOwn(path: string): boolean {
  try {
    return readFileSync(path, "latin1").trim() === String(process.pid);
  } catch {
    return false;
  }
}

/** Only where it is still ours: another may have been started already. */
function removeOwn(path: string): void {
  try {
    if (isOwn(path)) rmSync(path);
  } catch {
    // As another user than made it we may not remove it: a number that no process has harms nobody.
  }
}

/**
 * Stops being root, for good.
 * @param files those that are to be opened anew as that user: what is in the way is told
 * @param keep  what of root's power is needed later
 * @throws {Fault} where the user is unknown or we may not become it
 */
export function dropRoot(
  { user, group }: ProcessSettings,
  files: ReadonlySet<string>,
  say: Say,
  keep: readonly Capability[] = [],
): void {
  if (user === "" && group === "") return;
  const account = user === "" ? undefined : accountOf("/etc/passwd", user, "run as");
  const gid = group === "" ? Number(account![3]) : Number(accountOf("/etc/group", group, "run as")[2]);
  const isThat = account === undefined || process.geteuid!() === Number(account[2]);
  if (isThat && process.getegid!() === gid && process.geteuid!() !== 0) {
    keepOnly(keep); // this process was another one before, and has dropped it; what that passed on goes no further
    return;
  }
  try {
    if (keep.length > 0) keepThroughUserChange(true);
    process.setgroups!([gid, ...groupsOf(user)]);
    process.setgid!(gid);
    if (account !== undefined) process.setuid!(Number(account[2]));
    if (keep.length > 0) {
      if (!keepOnly(keep) && !keepOnly([])) throw new Error("its capabilities can't be given up");
      keepThroughUserChange(false);
    }
  } catch (cause) {
    throw new Fault("no-permission", "user", `cannot run as ${user || group}: ${reasonOf(cause)}`, { cause });
  }
  if (account !== undefined && Number(account[2]) !== 0 && canBeRoot())
    throw new Fault("no-permission", "user", `cannot run as ${user}: the way back to root is open`);
  say("notice", `runs as ${[user, group].filter((name) => name !== "").join(", group ")}`);
  for (const path of files) {
    const why = whyNotWritable(path);
    if (why !== "") say("warning", `file:${path}: cannot be opened anew by ${user || group}: ${why}`);
  }
}

/**
 * Makes a directory that whom we will run as can write in, with all that is in it: what root left there before, too. Nothing where we are not root, or stay it.
 * @param directory "": none
 */
export function giveTo({ user }: ProcessSettings, directory: string): void {
  if (user === "" || directory === "" || process.geteuid!() !== 0) return;
  const [, , uid, gid] = accountOf("/etc/passwd", user, "run as");
  try {
    makePrivateDirectory(directory);
    for (const name of ["", ...readdirSync(directory, { recursive: true, encoding: "utf8" })])
      lchownSync(join(directory, name), Number(uid), Number(gid));
  } catch {
    // a file system that is read-only, or does not know owners: who writes there will say so
  }
}

/** Makes a file that whom we will run as can write, in a directory that stays root's. Nothing where we are not root, or stay it. */
export function giveFileTo({ user }: ProcessSettings, path: string): void {
  if (user === "" || process.geteuid!() !== 0) return;
  const [, , uid, gid] = accountOf("/etc/passwd", user, "run as");
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
    fchownSync(fd, Number(uid), Number(gid));
    closeSync(fd);
  } catch {
    // a file system that is read-only, or does not know owners: who writes there will say so
  }
}

/** Tells the service manager that we are well, as often as it wants to hear it (sd_watchdog_enabled(3)). */
export function beatForWatchdog(env: Record<string, string | undefined>): Disposable {
  const us = Number(env["WATCHDOG_USEC"]);
  const isOurs = env["WATCHDOG_PID"] === undefined || env["WATCHDOG_PID"] === String(process.pid);
  if (!isOurs || !(us > 0)) return { [Symbol.dispose]() {} };
  const timer = setInterval(() => notifyServiceManager("WATCHDOG=1", env), us / 2_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Groups that list the user as a member: adm, for one, may write logs. */
function groupsOf(user: string): number[] {
  const lines = readFileSync("/etc/group", "utf8").split("\n");
  const fields = lines.map((line) => line.split(":"));
  return fields.filter(([, , , members]) => members?.split(",").includes(user)).map(([, , gid]) => Number(gid));
}

function canBeRoot(): boolean {
  try {
    process.setuid!(0);
    return true;
  } catch {
    return false;
  }
}

/** "" where it is. A file that is not there yet is made in its directory. */
function whyNotWritable(path: string): string {
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK); // after a rotation it has to be made
    return "";
  } catch (error) {
    return reasonOf(error);
  }
}
