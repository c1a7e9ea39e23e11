// A client that asks every address 200 times a second, as clients do: by its kernel's routes and neighbour tables. `bun prober.ts ADDRESS...`, inside of a namespace.
//
// stdout, one JSON object a line: {"ready":true}; {"address","fromMs","toMs"} when an address answers again: the sending times (CLOCK_MONOTONIC) of the first question
// that was never answered and of the next that was; and after "mark" on stdin {"markMs","open":[{"address","fromMs"}],"lateMs","mark"}: who does not answer now, and by how much
// this process itself was held up at worst since the last mark. What is not asked is not unanswered: a pause of this process is no outage.
import { parseAddress } from "../../lib/base/ip-address.ts";
import { DatagramReader } from "../../lib/linux/datagram-reader.ts";
import { libc } from "../../lib/linux/libc.ts";
import { watchReadable } from "../../lib/linux/sigio.ts";
import { inetAddress } from "../../lib/linux/socket-address.ts";
import { checked } from "../../lib/linux/system-error.ts";
import { systemClock } from "../../lib/run/clock.ts";

const EVERY_MS = 5;
/** An answer that takes longer is none. */
const ANSWER_WITHIN_MS = 200;
const SENT_KEPT = 16_384;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW = 3;
const SOCK_FLAGS = 0o4000 | 0o2000000;
const ECHO_BYTES = 24;
const MAGIC = 0x70726f62;

interface Target {
  readonly text: string;
  readonly fd: number;
  readonly to: Uint8Array;
  readonly isIpv6: boolean;
  readonly sentMs: Float64Array;
  sent: number;
  /** The last question that was answered. */
  answered: number;
}

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

function open(family: number, protocol: number, headerBytes: number): number {
  const fd = checked(libc().socket(family, SOCK_RAW | SOCK_FLAGS, protocol), "open a raw socket");
  const reader = new DatagramReader(fd, 512);
  watchReadable({
    fd,
    readMax: reader.readMax,
    queueMax: 1_024,
    readOnce() {
      const count = Math.max(0, reader.receive());
      for (let at = 0; at < count; at++) take(reader.bytes, reader.start(at) + headerBytes, reader.end(at));
      return count;
    },
    turnEnded() {},
  });
  return fd;
}

const targets: Target[] = [];
let four: number | undefined;
let six: number | undefined;
for (const text of process.argv.slice(2)) {
  const address = parseAddress(text);
  const isIpv6 = address.family === 6;
  if (isIpv6) six ??= open(AF_INET6, 58, 0);
  else four ??= open(AF_INET, 1, 20);
  targets.push({
    text,
    fd: (isIpv6 ? six : four)!,
    to: inetAddress(address, 0),
    isIpv6,
    sentMs: new Float64Array(SENT_KEPT),
    sent: 0,
    answered: -1,
  });
}

/** type (1), code (1), checksum (2), identifier (2), sequence (2); then ours: magic (4), target (4), number (4). */
function ask(target: Target, at: number): void {
  const bytes = new Uint8Array(ECHO_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = target.isIpv6 ? 128 : 8;
  view.setUint16(4, process.pid & 0xffff);
  view.setUint16(6, target.sent & 0xffff);
  view.setUint32(8, MAGIC);
  view.setUint32(12, at);
  view.setUint32(16, target.sent);
  if (!target.isIpv6) {
    let sum = 0;
    for (let word = 0; word < ECHO_BYTES; word += 2) sum += view.getUint16(word);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    view.setUint16(2, ~sum & 0xffff);
  }
  target.sentMs[target.sent % SENT_KEPT] = systemClock.monotonicMs();
  target.sent += 1;
  libc().sendto(target.fd, bytes, bytes.length, 0, target.to, target.to.length); // not sent is not answered
}

function take(bytes: Uint8Array, start: number, end: number): void {
  if (end - start < ECHO_BYTES || (bytes[start] !== 0 && bytes[start] !== 129)) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const target = targets[view.getUint32(12)];
  const number = view.getUint32(16);
  if (view.getUint32(8) !== MAGIC || target === undefined || number <= target.answered || number >= target.sent) return;
  if (number > target.answered + 1)
    say({
      address: target.text,
      fromMs: target.sentMs[(target.answered + 1) % SENT_KEPT],
      toMs: target.sentMs[number % SENT_KEPT],
    });
  target.answered = number;
}

let dueMs = systemClock.monotonicMs() + EVERY_MS;
let lateMs = 0;
let marks = 0;
function tick(): void {
  const nowMs = systemClock.monotonicMs();
  lateMs = Math.max(lateMs, nowMs - dueMs);
  for (const [at, target] of targets.entries()) ask(target, at);
  dueMs = Math.max(dueMs + EVERY_MS, nowMs + 1) as typeof dueMs;
  setTimeout(tick, Math.max(0, dueMs - systemClock.monotonicMs()));
}
tick();
say({ ready: true });

for await (const line of console) {
  if (line !== "mark") continue;
  const markMs = systemClock.monotonicMs();
  const open = targets.flatMap(({ text, answered, sent, sentMs }) => {
    const fromMs = sentMs[(answered + 1) % SENT_KEPT]!;
    return answered + 1 < sent && markMs - fromMs > ANSWER_WITHIN_MS ? [{ address: text, fromMs }] : [];
  });
  say({ markMs, open, lateMs, mark: ++marks });
  lateMs = 0;
}
process.exit(0);
