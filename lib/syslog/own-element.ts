// What a record can't say itself in RFC 5424 is structured data of our own, always the first element:
//
//   [sb@32473 rx="1763911238123456" form="3164" marks="cut,late" pid="311" uid="0" via="udp" peer="192.0.2.7"]
//
//   rx     when it was received first: microseconds since 1970, UTC
//   form   "3164" or "text", where the message was of that form, or "word": 3164, and the program was only the first word of its text; then it had no structured data
//   marks  MARK_NAMES that hold, with commas; pid, uid: the sender's, where the kernel gave them
//   via    how it came to the host that received it first, and the address it came from. Carried on as they lie: no reader of a record needs them unasked
//
// 32473 is the enterprise number that RFC 5612 sets aside for documentation: the project has none of its own. A message from the network that holds such an
// element is not believed (`ParseRules.ownElement`): it stays where it is, behind ours.
import { ascii, constants, writeBytes, writeConstant, writeNumber } from "./output.ts";
import { MARK_NAMES, type RecordView, VIAS } from "./record.ts";
import { isEscapable, isWord, ParamCursor } from "./structured-data.ts";

export const OWN_ID = "sb@32473";

const HEAD = ascii(`[${OWN_ID} rx="`);
const FORM_3164 = ascii('" form="3164');
/** The program was a bare word. */
const FORM_WORD = ascii('" form="word');
const FORM_TEXT = ascii('" form="text');
const MARKS = ascii('" marks="');
const PID = ascii('" pid="');
const UID = ascii('" uid="');
const VIA = ascii(' via="');
const PEER = ascii('" peer="');
const NAMES = MARK_NAMES.map(ascii);
const VIA_WORDS = constants(VIAS);
const COMMA = 0x2c;
const QUOTE = 0x22;
const CLOSE = 0x5d;
const BACKSLASH = 0x5c;

/** No fewer bytes than `writeOwnElement` needs: all names and numbers at their longest, and what is carried on. */
export function boundOwnElement(record: RecordView): number {
  return 192 + 2 * record.origin.peerBytes.length + record.ownEnd - record.ownTail;
}

/** Writes the element for a record. */
export function writeOwnElement(record: RecordView, out: Uint8Array, at: number): number {
  at = writeConstant(out, at, HEAD);
  at = writeNumber(out, at, Math.max(0, record.receivedUs));
  if (record.form === "3164") at = writeConstant(out, at, record.isAppBare ? FORM_WORD : FORM_3164);
  else if (record.form === "text") at = writeConstant(out, at, FORM_TEXT);
  if (record.marks !== 0) at = writeMarks(record.marks, out, writeConstant(out, at, MARKS));
  if (record.pid >= 0) at = writeNumber(out, writeConstant(out, at, PID), record.pid);
  if (record.uid >= 0) at = writeNumber(out, writeConstant(out, at, UID), record.uid);
  out[at++] = QUOTE;
  if (record.ownEnd > record.ownTail) return writeBytes(out, at, record.bytes, record.ownTail, record.ownEnd);
  at = writeConstant(out, at, VIA);
  at = writeConstant(out, at, VIA_WORDS[record.origin.via]);
  if (record.origin.peer !== "") at = writeValue(record.origin.peerBytes, out, writeConstant(out, at, PEER));
  out[at] = QUOTE;
  out[at + 1] = CLOSE;
  return at + 2;
}

/** A value, with a backslash before what needs one. */
function writeValue(value: Uint8Array, out: Uint8Array, at: number): number {
  for (const byte of value) {
    if (isEscapable(byte)) out[at++] = BACKSLASH;
    out[at++] = byte;
  }
  return at;
}

function writeMarks(marks: number, out: Uint8Array, at: number): number {
  let isFirst = true;
  for (let bit = 0; bit < NAMES.length; bit++) {
    if ((marks & (1 << bit)) === 0) continue;
    if (!isFirst) out[at++] = COMMA;
    at = writeConstant(out, at, NAMES[bit]!);
    isFirst = false;
  }
  return at;
}

const cursor = new ParamCursor();

/** Takes our element off a record that was just read, where it is the first, and sets what it says. A value that is none leaves its field alone. */
export function restoreOwnElement(record: RecordView): void {
  const { bytes, sdStart, sdEnd } = record;
  if (sdEnd - sdStart < HEAD.length || !isWord(bytes, sdStart + 1, sdStart + 1 + OWN_ID.length, OWN_ID)) return;
  if (bytes[sdStart + 1 + OWN_ID.length] !== 0x20) return;
  cursor.start(bytes, sdStart, sdEnd);
  let tail = 0;
  let end = sdStart;
  while (cursor.next()) {
    if (cursor.idStart !== sdStart + 1) break;
    const nameStart = cursor.nameStart;
    const from = cursor.valueStart;
    const to = cursor.valueEnd;
    end = cursor.end;
    // One letter tells the names apart; the writer's are no others.
    switch (bytes[nameStart]) {
      case 0x72: // rx
        record.receivedUs = readNumber(bytes, from, to, record.receivedUs);
        break;
      case 0x66: // form
        record.isAppBare = isWord(bytes, from, to, "word");
        record.form = record.isAppBare || isWord(bytes, from, to, "3164") ? "3164" : "text";
        break;
      case 0x6d: // marks
        record.marks |= readMarks(bytes, from, to);
        break;
      case 0x75: // uid
        record.uid = readNumber(bytes, from, to, record.uid);
        break;
      case 0x76: // via
        tail = nameStart - 1;
        break;
      default:
        if (isWord(bytes, nameStart, cursor.nameEnd, "pid")) record.pid = readNumber(bytes, from, to, record.pid);
    }
  }
  record.sdStart = end;
  record.ownEnd = end;
  record.ownTail = tail === 0 ? end : tail;
}

function readNumber(bytes: Uint8Array, from: number, to: number, otherwise: number): number {
  if (from === to || to - from > 16) return otherwise;
  let value = 0;
  for (let index = from; index < to; index++) {
    const digit = bytes[index]! - 0x30;
    if (digit < 0 || digit > 9) return otherwise;
    value = value * 10 + digit;
  }
  return value;
}

function readMarks(bytes: Uint8Array, from: number, to: number): number {
  let marks = 0;
  let word = from;
  for (let index = from; index <= to; index++) {
    if (index < to && bytes[index] !== COMMA) continue;
    for (let bit = 0; bit < MARK_NAMES.length; bit++)
      if (isWord(bytes, word, index, MARK_NAMES[bit]!)) marks |= 1 << bit;
    word = index + 1;
  }
  return marks;
}
