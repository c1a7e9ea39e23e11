// An acknowledgement: what a recorder has committed, told to the sender alone, by the private group that its batches came from. Message type 5426, ASCII:
//
//   sb1 ack RECORDER HOST LF  INCARNATION GROUP ASKED RANGES LF  INCARNATION GROUP ASKED RANGES LF ...
//
//   RECORDER     the recorder's id, kept in its store: 1 to 32 letters and digits
//   HOST         the recorder's host. Senders count hosts: two recorders on one disk are one
//   INCARNATION  with GROUP: whose records. The sender's host is the sender's own
//   ASKED        "-": RANGES are committed, and nothing is said of others; or NUMBER:FROM-TO, the answer to the ask of that number: of FROM to TO, RANGES and no
//                others are committed, though all that was sent before the ask has come, or never will
//   RANGES       "1-500,502"; "-" for none
//
// Without any line behind the first it is a greeting: the recorder was away, or is new, and wants to be asked.
//
// A sender that wants acknowledgements says so with the flag "ack" in its batches (FLAG_ACK); "from=NUMBER" besides says below which number nothing will come again. It asks with an empty batch whose FIRST is the number that comes next,
// and whose flags have ask=NUMBER:FROM (FROM: the oldest record that is not acknowledged). For other readers that is an empty batch: it tells them what they miss.
//
// All of it may be lost, doubled or come late without harm: what is said is about committed records, which stay committed.
import { Fault } from "../base/fault.ts";
import { isGroupName } from "../spread/names.ts";
import { isBatchHost, isIncarnation } from "./batch-writer.ts";
import { formatRanges, type NumberRange, tryRanges } from "./number-ranges.ts";

/** The application type of acknowledgements. */
export const ACK_MESSAGE_TYPE = 5426;
export const ACK_VERSION = 1;

/** The sender of the batch keeps its records until they are acknowledged. */
export const FLAG_ACK = "ack";

/** Ranges told of one stream in one message: what is behind them is told another time. */
export const ACK_RANGES_MAX = 128;
/** Bytes of a message; a longer one is none. */
export const ACK_BYTES_MAX = 65_536;
/** A line is at most so long: incarnation, group, ask, and ranges of two numbers each. */
const LINE_BYTES_MAX = 128 + ACK_RANGES_MAX * 34;

/** What a recorder has of one stream of ours. */
export interface AckLine {
  readonly incarnation: string;
  readonly group: string;
  readonly asked: Asked | undefined;
  /** Ascending, apart. */
  readonly ranges: readonly NumberRange[];
}

/** Which ask is answered, and for which numbers the answer is all that there is to say. */
export interface Asked extends NumberRange {
  readonly number: number;
}

export interface Ack {
  readonly recorder: string;
  readonly host: string;
  /** None: a greeting. */
  readonly lines: readonly AckLine[];
}

/** A message for our private group that says that it is an acknowledgement, and is none. */
export class AckError extends Fault {
  override readonly name = "AckError";

  constructor(
    override readonly code: "newer" | "length" | "head" | "line",
    found: string,
  ) {
    super(code === "newer" ? "protocol" : "data", code, `cannot read acknowledgement: ${found}`);
  }
}

/** Whether `id` can be a recorder's. */
export function isRecorderId(id: string): boolean {
  return isIncarnation(id);
}

/**
 * Writes an acknowledgement as messages: one, or more where the lines don't fit into one.
 * @param recorder checked by `isRecorderId`. @param host checked by `isBatchHost`
 */
export function writeAcks(recorder: string, host: string, lines: Iterable<AckLine>): Uint8Array[] {
  const head = `sb${ACK_VERSION} ack ${recorder} ${host}\n`;
  const encoder = new TextEncoder();
  const bodies: Uint8Array[] = [];
  let text = head;
  for (const { incarnation, group, asked, ranges } of lines) {
    const question = asked === undefined ? "-" : `${asked.number}:${asked.from}-${asked.to}`;
    text += `${incarnation} ${group} ${question} ${formatRanges(ranges)}\n`;
    if (text.length + LINE_BYTES_MAX <= ACK_BYTES_MAX) continue;
    bodies.push(encoder.encode(text));
    text = head;
  }
  if (text !== head || bodies.length === 0) bodies.push(encoder.encode(text));
  return bodies;
}

/**
 * Reads the acknowledgement at [start, end) of `bytes`, a message's whole body.
 * @throws {AckError} `code` "newer": of a later version, to be skipped; any other: damaged, or none
 */
export function readAck(bytes: Uint8Array, start: number, end: number): Ack {
  if (end - start > ACK_BYTES_MAX) throw new AckError("length", `${end - start} bytes`);
  const [first = "", ...rest] = new TextDecoder("latin1").decode(bytes.subarray(start, end)).split("\n");
  const [magic = "", kind, recorder = "", host = "", ...more] = first.split(" ");
  const version = /^sb([1-9]\d{0,3})$/.exec(magic)?.[1];
  if (version === undefined || kind !== "ack") throw new AckError("head", 'no "sb1 ack"');
  if (Number(version) > ACK_VERSION) throw new AckError("newer", `version ${version}, we know ${ACK_VERSION}`);
  if (!isRecorderId(recorder) || !isBatchHost(host) || more.length > 0)
    throw new AckError("head", "no recorder and host");
  if (rest.pop() !== "") throw new AckError("line", "the last line is cut");
  return { recorder, host, lines: rest.map(readLine) };
}

function readLine(text: string): AckLine {
  const [incarnation = "", group = "", question = "", numbers = "", ...more] = text.split(" ");
  const ranges = tryRanges(numbers, ACK_RANGES_MAX);
  const isWhole = isIncarnation(incarnation) && isGroupName(group) && more.length === 0;
  if (!isWhole || ranges === undefined) throw new AckError("line", `no line: ${JSON.stringify(text.slice(0, 80))}`);
  if (question === "-") return { incarnation, group, asked: undefined, ranges };
  const [number = "", about = ""] = question.split(":", 2);
  const span = tryRanges(about, 1)?.[0];
  if (!/^[1-9]\d{0,14}$/.test(number) || span === undefined)
    throw new AckError("line", `no ask: ${JSON.stringify(question.slice(0, 80))}`);
  return { incarnation, group, asked: { number: Number(number), ...span }, ranges };
}

/** The flags of a batch whose sender keeps its records: numbers below `from` will not come again. */
export function ackFlags(from: number): string {
  return `${FLAG_ACK},from=${from}`;
}

/** What a batch's flags say of that; `undefined` where they say nothing. */
export function ackedFrom(flags: string): number | undefined {
  const found = /(?:^|,)(?:from=|ask=\d{1,15}:)([1-9]\d{0,14})(?:,|$)/.exec(flags);
  return found === null ? undefined : Number(found[1]);
}

/** What a batch that asks has among its flags. */
export interface Ask {
  readonly number: number;
  /** The oldest record that is not acknowledged. */
  readonly from: number;
}

/** The flags of a batch that asks. */
export function askFlags({ number, from }: Ask): string {
  return `${FLAG_ACK},ask=${number}:${from}`;
}

/** The ask among the flags of a batch, `undefined` where there is none. */
export function tryAsk(flags: string): Ask | undefined {
  const found = /(?:^|,)ask=([1-9]\d{0,14}):([1-9]\d{0,14})(?:,|$)/.exec(flags);
  return found === null ? undefined : { number: Number(found[1]), from: Number(found[2]) };
}
