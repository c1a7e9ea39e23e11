// Why the operating system refused something, in words for an operator: without the runtime's code before it and the name of a call behind it.
import { Fault } from "./fault.ts";

const NO_DIRECTORY = "a part of its path is no directory";

/** Where the runtime's own words say less than they could. */
const REASONS: Readonly<Record<string, string>> = {
  EISDIR: "it is a directory",
  ENOTDIR: NO_DIRECTORY,
  EROFS: "its file system is read-only",
  ENOSPC: "its file system is full",
  EDQUOT: "its owner's disk quota is used up",
  EFBIG: "it is as large as a file may be there (ulimit -f, or the file system)",
  EIO: "its disk or device fails (input/output error)",
  ENXIO: "nobody reads this FIFO, or no device is behind it",
  ENODEV: "no device is behind it",
  ELOOP: "its symbolic link is not followed here, or leads in a circle",
  ENAMETOOLONG: "its name is too long",
  ETXTBSY: "it is a program that runs",
  ESTALE: "the network file system that it was on has lost it (stale file handle)",
  EMFILE: "this process has as many files open as it may (ulimit -n)",
  ENFILE: "this host has as many files open as it can",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "this host has no such address",
  EAI_AGAIN: "its name can't be looked up now",
  ENOTFOUND: "no host has this name",
};

/** Of connections: only where the runtime has no words but the code, as in "connect ECONNREFUSED 10.0.0.1:601". */
const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the other side broke it off",
  EPIPE: "the other side has closed it",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "no such host answers on its network, or there is no way to it",
  ENETUNREACH: "there is no way to its network",
  EMSGSIZE: "it is too long for a datagram",
};
const NETWORK_ANSWER = /^\w+ (E[A-Z0-9]+)(?: (\S+)(?: - Local \(.*\))?)?$/;

/**
 * "ENOENT: no such file or directory, open '/x'" is "no such file or directory", "connect ECONNREFUSED 10.0.0.1:601" is "connection refused (10.0.0.1:601)"; what is
 * no answer of the system's stays as it is.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Fault) return error.message;
  const { code, syscall } = error as NodeJS.ErrnoException;
  // Directories are made with those above them: one that is there already is no mistake, but a file in its place is.
  if (code === "EEXIST" && syscall === "mkdir") return NO_DIRECTORY;
  return (
    (code === undefined ? undefined : REASONS[code]) ??
    tryNetworkReason(error.message) ??
    textBehindCode(error.message) ??
    error.message
  );
}

function tryNetworkReason(message: string): string | undefined {
  const [, code = "", place] = NETWORK_ANSWER.exec(message) ?? [];
  const reason = NETWORK_REASONS[code];
  return reason === undefined || place === undefined ? reason : `${reason} (${place})`;
}

function textBehindCode(message: string): string | undefined {
  return /^E[A-Z0-9]+: ([^,]+)(?:, .*)?$/s.exec(message)?.[1];
}

/** Whether the system refused it to who we are. */
export function isForbidden(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM");
}
