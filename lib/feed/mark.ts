// A mark is a message that a sender sends to its own private group, behind its batches on the same connection. When it comes back, the daemon has put
// everything before it into its order: so that much has arrived, and need not be sent again.
//
//   sb1 mark EPOCH NUMBER        in ASCII; EPOCH counts the sender's connections, NUMBER its marks

/** The application type of marks. */
export const MARK_MESSAGE_TYPE = 5425;

export interface Mark {
  readonly epoch: number;
  readonly number: number;
}

export function writeMark(mark: Mark): Uint8Array {
  return new TextEncoder().encode(`sb1 mark ${mark.epoch} ${mark.number}`);
}

/** The mark at [start, end), `undefined` where there is none: anybody may send to our private group. */
export function tryMark(bytes: Uint8Array, start: number, end: number): Mark | undefined {
  if (end - start > 64) return undefined;
  const text = new TextDecoder("latin1").decode(bytes.subarray(start, end));
  const found = /^sb1 mark (\d{1,15}) (\d{1,15})$/.exec(text);
  return found === null ? undefined : { epoch: Number(found[1]), number: Number(found[2]) };
}
