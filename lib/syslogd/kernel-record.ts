// What /dev/kmsg gives: one record a read.
//
//   PRI,SEQ,MICROSECONDS,FLAGS[,MORE...];TEXT LF [ SPACE KEY=VALUE LF ]...
//
//   PRI           facility * 8 + severity; facility 0 is the kernel, others are what a program wrote to /dev/kmsg
//   SEQ           numbered from 0 since the host was started: a jump tells how many were overwritten unread
//   MICROSECONDS  of the monotonic clock, since the start
//   FLAGS         "c" on what goes on a line begun before ("+" in kernels before 4.10), else "-"; more fields may follow
//   TEXT          bytes that are not printable ASCII are "\xNN", so it is always one line
//
// (Linux: Documentation/ABI/testing/dev-kmsg.)

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const LF = 0x0a;
const SPACE = 0x20;
const LESS = 0x3c;
const GREATER = 0x3e;
const PRI_MAX = 191;

const KERNEL_TAG = new TextEncoder().encode("kernel: ");

const PLUS = 0x2b;
const LETTER_C = 0x63;

/** One record of the kernel's; refilled by `readKernelRecord`. */
export class KernelRecord {
  /** The message as a program would have sent it: `<PRI>kernel: TEXT`, `<PRI>TEXT` where a program did. At [0, end) of `bytes`. */
  readonly bytes = new Uint8Array(16_384);
  end = 0;
  /** Where TEXT begins. */
  textStart = 0;
  sequence = 0;
  /** Since the host was started, by the monotonic clock. */
  monotonicUs = 0;
  /** It goes on the line of the record before it. */
  isContinuation = false;

  /** Puts the text of a record that goes on behind this one's, as far as there is room. */
  append(next: KernelRecord): void {
    const room = this.bytes.length - this.end;
    const text = next.bytes.subarray(next.textStart, Math.min(next.end, next.textStart + room));
    this.bytes.set(text, this.end);
    this.end += text.length;
  }
}

/** The longest record that the kernel gives; a read into less fails with EINVAL. */
export const KERNEL_RECORD_BYTES_MAX = 8_192;

/** Reads the record at [0, end) of `bytes`. False where it is none: then `record` is of no use. */
export function readKernelRecord(bytes: Uint8Array, end: number, record: KernelRecord): boolean {
  const textStart = bytes.indexOf(SEMICOLON) + 1;
  if (textStart === 0 || textStart > end) return false;
  const pri = readNumber(bytes, 0, textStart);
  const sequenceAt = bytes.indexOf(COMMA) + 1;
  const sequence = readNumber(bytes, sequenceAt, textStart);
  const timeAt = bytes.indexOf(COMMA, sequenceAt) + 1;
  const monotonicUs = timeAt === 0 ? -1 : readNumber(bytes, timeAt, textStart);
  if (pri < 0 || pri > PRI_MAX || sequenceAt === 0 || sequence < 0 || monotonicUs < 0) return false;
  const flagsAt = bytes.indexOf(COMMA, timeAt) + 1;
  const flag = flagsAt === 0 || flagsAt >= textStart ? 0 : bytes[flagsAt];
  record.isContinuation = flag === LETTER_C || flag === PLUS;
  record.sequence = sequence;
  record.monotonicUs = monotonicUs;
  writeMessage(bytes, textStart, end, pri, record);
  return true;
}

function writeMessage(bytes: Uint8Array, textStart: number, end: number, pri: number, record: KernelRecord): void {
  const out = record.bytes;
  const head = `${pri}`;
  let at = 0;
  out[at++] = LESS;
  for (let index = 0; index < head.length; index++) out[at++] = head.charCodeAt(index);
  out[at++] = GREATER;
  if (pri < 8) {
    out.set(KERNEL_TAG, at);
    at += KERNEL_TAG.length;
  }
  record.textStart = at;
  // What follows the text, a line each, are the device and the subsystem: for udev, not for a log.
  for (let from = textStart; from < end && bytes[from] !== LF && at < out.length; at++) {
    const escaped = bytes[from] === BACKSLASH ? escapedByte(bytes, from, end) : -1;
    out[at] = escaped < 0 ? bytes[from]! : escaped;
    from += escaped < 0 ? 1 : 4;
  }
  while (at > 0 && out[at - 1] === SPACE) at -= 1;
  record.end = at;
}

/** The byte that `\xNN` at `at` stands for, -1 where there is no such thing. */
function escapedByte(bytes: Uint8Array, at: number, end: number): number {
  if (at + 3 >= end || bytes[at + 1] !== 0x78) return -1;
  const high = hexDigit(bytes[at + 2]!);
  const low = hexDigit(bytes[at + 3]!);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** The decimal number at `at`; -1 where there is none. */
function readNumber(bytes: Uint8Array, at: number, end: number): number {
  let value = -1;
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return value;
    value = (value < 0 ? 0 : value * 10) + digit;
  }
  return value;
}
