// Which unix socket we listen on. On a host with systemd the path that programs log to is a link of journald's, which passes on what it gets; elsewhere
// it is ours to make.
import { Fault } from "../base/fault.ts";

export const DEV_LOG = "/dev/log";
/** Where journald passes messages on to, if ForwardToSyslog= says so. */
export const JOURNAL_FORWARD = "/run/systemd/journal/syslog";
const JOURNAL_OWNED = "/run/systemd/journal/dev-log";

/** What is known before the choice. */
export interface SocketFacts {
  /** Paths that were asked for; none: to be found. */
  readonly asked: readonly string[];
  /** Unix datagram sockets that the service manager passed, and where each is bound. */
  readonly passed: readonly { readonly fd: number; readonly path: string }[];
  /** What the link at /dev/log points to, made absolute; `undefined` where it is no link. */
  readonly devLogLink: string | undefined;
  /** `take_devlog`: put a socket of ours in place of the link. */
  readonly takeDevLog: boolean;
}

/** A socket to take over, or to make, and its path. */
export type SocketChoice =
  | { readonly take: number; readonly path: string }
  | { readonly path: string; readonly replacesLink: boolean };

/**
 * Decides: what was asked for, else what was passed, else where journald forwards to, else /dev/log.
 * @throws {Fault} "link" where /dev/log is a link to somewhere else: it is not ours to replace
 */
export function chooseSockets(facts: SocketFacts): readonly SocketChoice[] {
  const { asked, passed, devLogLink, takeDevLog } = facts;
  if (asked.length > 0) return asked.map((path) => ({ path, replacesLink: path === DEV_LOG && takeDevLog }));
  if (passed.length > 0) return passed.map(({ fd, path }) => ({ take: fd, path }));
  if (devLogLink === undefined || takeDevLog) return [{ path: DEV_LOG, replacesLink: devLogLink !== undefined }];
  if (devLogLink === JOURNAL_OWNED) return [{ path: JOURNAL_FORWARD, replacesLink: false }];
  const found = `cannot listen on ${DEV_LOG}: it is a link to ${devLogLink}`;
  throw new Fault("cannot-create", "link", `${found}; --take-devlog replaces it, --socket PATH listens elsewhere`);
}

/** Whether programs on this host log to us directly and journald passes nothing on, so that the kernel's messages come by no one else. */
export function ownsDevLog(choices: readonly SocketChoice[]): boolean {
  return choices.some(({ path }) => path === DEV_LOG) && !hearsJournal(choices);
}

/** Whether journald passes messages on to us: then what we write to stderr as its service comes back to us as a message. */
export function hearsJournal(choices: readonly SocketChoice[]): boolean {
  return choices.some(({ path }) => path === JOURNAL_FORWARD);
}
