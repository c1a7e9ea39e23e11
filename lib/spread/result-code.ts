// The codes by which a daemon refuses a session (PROTOCOL.md, 1.1), each with the error that it becomes. One signed byte on the wire.
import { Fault, type FaultKind } from "../base/fault.ts";

/** First byte of the accept reply. */
export const ACCEPTED = 1;

/** Why a daemon refused a session. */
export type RejectReason = "quota" | "no-name" | "illegal-name" | "not-unique" | "version" | "auth";

interface Rejection {
  readonly code: number;
  readonly kind: FaultKind;
  readonly text: string;
}

const REJECTIONS: Readonly<Record<RejectReason, Rejection>> = {
  quota: { code: -3, kind: "temporary", text: "it has as many sessions as it takes" },
  "no-name": { code: -4, kind: "protocol", text: "it found no private name in the request" },
  "illegal-name": { code: -5, kind: "usage", text: 'the private name is not 1 to 10 characters from "$" to "~"' },
  "not-unique": { code: -6, kind: "temporary", text: "the private name is in use there" },
  version: { code: -7, kind: "protocol", text: "our protocol version is too old for it" },
  auth: { code: -9, kind: "no-permission", text: "authentication failed" },
};

/** The signed number of a reason, as in the C library's `sp.h`. */
export function rejectCode(reason: RejectReason): number {
  return REJECTIONS[reason].code;
}

/** The byte that a daemon sends for a reason. */
export function rejectByte(reason: RejectReason): number {
  return REJECTIONS[reason].code & 0xff;
}

/** The reason that a signed code stands for, `undefined` for a code that no daemon is known to send. */
export function tryRejectReason(code: number): RejectReason | undefined {
  return (Object.keys(REJECTIONS) as RejectReason[]).find((reason) => REJECTIONS[reason].code === code);
}

/** The daemon refused the session. `code` says why; `number` is what it sent. */
export class RejectError extends Fault {
  override readonly name = "RejectError";

  constructor(
    readonly reason: RejectReason | "unknown",
    readonly number: number,
  ) {
    const known = reason === "unknown" ? undefined : REJECTIONS[reason];
    const text = known?.text ?? "for a reason that we do not know";
    super(known?.kind ?? "protocol", reason, `daemon refused the session: ${text} (code ${number})`);
  }

  /** The error for a byte that a daemon sent where a length or an acceptance stands otherwise; bytes are signed. */
  static ofByte(byte: number): RejectError {
    const code = (byte << 24) >> 24;
    return new RejectError(tryRejectReason(code) ?? "unknown", code);
  }
}
