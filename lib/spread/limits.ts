// Every number of the protocol (PROTOCOL.md, section 1), once. Sizes are bytes.
import { Fault } from "../base/fault.ts";

/** TCP and UDP port of a daemon, and the number in the name of its unix socket, where nothing else is said. */
export const DEFAULT_PORT = 4803;
/** Where our `spreadd` speaks the same protocol over TLS. */
export const DEFAULT_TLS_PORT = 4804;

/** What our client says it is: the version of the real library whose exchange we speak. */
export const CLIENT_VERSION = { major: 5, minor: 0, patch: 1 } as const;
/** A daemon older than this is refused, as the real library does. */
export const DAEMON_MAJOR_MIN = 3;

/** A name field on the wire: NUL-terminated, so one byte less is usable. */
export const NAME_FIELD_BYTES = 32;
export const GROUP_NAME_BYTES_MAX = 31;
export const PRIVATE_NAME_BYTES_MAX = 10;
export const DAEMON_NAME_BYTES_MAX = 19;

export const HEADER_BYTES = 48;
/** The original's type, which stands between header and groups of a genuine REJECT message (section 8). */
export const OLD_TYPE_BYTES = 4;

/** Groups that a daemon accepts in one message. */
export const GROUPS_MAX = 100;
/** Groups that the real daemon really routes: with 44 to 100 it delivers to nobody (section 9.3). */
export const ROUTED_GROUPS_MAX = 43;
/** Body length that a daemon's header check lets pass; the sum below is the tighter bound. */
export const BODY_BYTES_MAX = 144_000;
/** Body + 32 x groups that a daemon's header check lets pass; above, it closes the connection. */
export const CARRIED_BYTES_MAX = 143_952;
/** Body + 32 x groups that is safe to send: above it, up to `CARRIED_BYTES_MAX`, the real 5.0.1 daemon aborts. */
export const SAFE_CARRIED_BYTES_MAX = 143_151;

/** One name in the 90-byte block by which a client chooses its authentication methods. */
export const METHOD_NAME_BYTES = 30;
export const METHODS_MAX = 3;
export const METHOD_CHOICE_BYTES = METHOD_NAME_BYTES * METHODS_MAX;
/** Length of the list of methods that a daemon offers; a greater first byte is a reject code. */
export const METHOD_LIST_BYTES_MAX = 90;

/** Sessions of one real daemon. */
export const REAL_SESSIONS_MAX = 997;
/** Messages that a real daemon queues for one session before it throws it out. */
export const REAL_QUEUE_MESSAGES_MAX = 1_000;

/** Members of a group in one view. Ours: the protocol has no number; 16 real daemons' sessions, and 4.5 MB to be held at most. */
export const VIEW_MEMBERS_MAX = 65_536;

/** Bytes of a regular membership body before its sets: group id, number of sets, own set's offset. */
export const VIEW_BODY_BYTES_MIN = 20;
export const GROUP_ID_BYTES = 12;

export type Limit =
  | "groups" // names in one message
  | "message" // body + 32 x groups
  | "messageType" // the application's 16 bits
  | "methods" // authentication methods
  | "inbox" // events that nobody takes
  | "outbox"; // bytes that the daemon does not take

const LIMIT_WORDS: Readonly<Record<Limit, string>> = {
  groups: "number of groups",
  message: "body and 32 bytes for each group",
  messageType: "application message type",
  methods: "number of authentication methods",
  inbox: "events waiting to be taken",
  outbox: "bytes waiting to be sent",
};

/** A limit was broken on our side, before a byte was sent. */
export class LimitError extends Fault {
  override readonly name = "LimitError";

  constructor(
    readonly limit: Limit,
    readonly found: number,
    readonly allowed: string,
  ) {
    super("data", "limit", `cannot send: ${LIMIT_WORDS[limit]} is ${found}, allowed is ${allowed}`);
  }
}
