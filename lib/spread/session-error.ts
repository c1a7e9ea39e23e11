// What goes wrong between a session and the world; mistakes in the protocol have errors of their own (FrameError, RejectError, ...).
import { Fault } from "../base/fault.ts";

/** Why no daemon could be reached. */
export type ConnectReason =
  | "refused" // nobody listens there
  | "missing" // no such socket
  | "timeout" // no answer in time
  | "untrusted" // a socket that anybody could have made
  | "unknown-host"
  | "ended" // it closed before it had accepted
  | "rejected" // it said why: see `cause`
  | "failed"; // the system said why: see `cause`

const KINDS = {
  refused: "unavailable",
  missing: "unavailable",
  timeout: "unavailable",
  untrusted: "no-permission",
  "unknown-host": "no-host",
  ended: "unavailable",
  rejected: "unavailable",
  failed: "unavailable",
} as const;

/** One daemon could not be reached; or none of several, then `all` has one error each. */
export class ConnectError extends Fault {
  readonly #found: string;

  override readonly name = "ConnectError";

  constructor(
    readonly reason: ConnectReason,
    /** As `formatServer` writes it. */
    readonly server: string,
    found: string,
    options?: { readonly cause?: unknown; readonly all?: readonly ConnectError[] },
  ) {
    const cause = options?.cause;
    super(
      reason === "rejected" && cause instanceof Fault ? cause.kind : KINDS[reason],
      reason === "rejected" && cause instanceof Fault ? cause.code : reason,
      `cannot reach daemon at ${options?.all === undefined ? `${server}: ${found}` : told(options.all)}`,
      options,
    );
    this.#found = found;
  }

  /** What was found there. No field: those are told beside the message (`--json`), which has it. */
  get found(): string {
    return this.#found;
  }
}

/** Where none of several answers, and why; what was found at each is told once. */
function told(all: readonly ConnectError[]): string {
  const byFound = Map.groupBy(all, ({ found }) => found);
  return [...byFound]
    .map(([found, those]) => `${those.map(({ server }) => server).join(" and ")}: ${found}`)
    .join("; at ");
}

/** Why a session could not do what it was asked. */
export type SessionReason =
  | "lost" // the connection went: none, part or all of it was delivered; the cause says why
  | "away" // there is no connection, and unsent messages are dropped
  | "closed"; // the session was closed by its user

const SESSION_TEXTS: Readonly<Record<SessionReason, string>> = {
  lost: "the connection was lost; it may have been delivered or not",
  away: "there is no connection to a daemon",
  closed: "the session is closed",
};

export class SessionError extends Fault {
  override readonly name = "SessionError";

  constructor(
    readonly reason: SessionReason,
    action: string,
    cause?: unknown,
  ) {
    super("unavailable", reason, `cannot ${action}: ${SESSION_TEXTS[reason]}`, { cause });
  }
}

/** Why a connection that stood was lost. */
export class LostError extends Fault {
  override readonly name = "LostError";

  constructor(
    readonly reason: "ended" | "silent" | "failed",
    text: string,
    cause?: unknown,
  ) {
    super("unavailable", reason, `connection lost: ${text}`, { cause });
  }
}
