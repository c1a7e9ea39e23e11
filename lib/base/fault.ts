// What can go wrong without it being our mistake. Every expected failure is a `Fault` with a kind; the kind alone decides the
// exit status (lib/cli/exit-codes.ts), so no room and no command chooses a number of its own. A broken invariant is no fault: that is `assert`.
import { visible } from "./visible.ts";

/** The kinds of failure, each with one meaning; one table in `lib/cli/exit-codes.ts` gives each its sysexits number. */
export type FaultKind =
  | "usage" // the command line is wrong
  | "data" // input that a peer or a file gave is wrong
  | "no-input" // an input file is missing or can't be read
  | "no-host" // a host name is unknown
  | "unavailable" // a service can't be reached, or ended
  | "os" // the operating system refused something that ought to work
  | "os-file" // a system file is missing or unfit
  | "cannot-create" // an output can't be created
  | "io" // reading or writing failed underway
  | "temporary" // try again later
  | "protocol" // the peer broke the protocol
  | "no-permission" // we may not
  | "config"; // the configuration is wrong

/** A failure that was foreseen: one line for the operator, a kind for the exit status, and a code for programs. */
export class Fault extends Error {
  override readonly name: string = "Fault";
  /** Several faults found at once, as by a check of a whole config: each prints as a line of its own. */
  readonly all: readonly Fault[];

  /**
   * @param kind    decides the exit status
   * @param code    a short stable word for programs, such as "refused" or "unknown-key"
   * @param message the action that failed, a colon, what was found, what to do: one line, no full stop
   */
  constructor(
    readonly kind: FaultKind,
    readonly code: string,
    message: string,
    options?: { readonly cause?: unknown; readonly all?: readonly Fault[] },
  ) {
    // A peer's words may be in it: they must not drive the terminal of whoever reads this, nor pretend to be a line of their own.
    super(visible(message), options?.cause === undefined ? undefined : { cause: options.cause });
    this.all = options?.all ?? [];
  }
}
