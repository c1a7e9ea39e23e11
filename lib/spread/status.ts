// The status protocol: one UDP datagram asks a daemon for its counters, one brings them (PROTOCOL.md 11). Only the reading part is here. The same
// port takes orders too (terminate, partition, reload): no function of ours can write one.
//
// Request, Spread 5 (40 bytes)                        Request, Spread 4 (36 bytes)
//    0  4  type 0x01000000 with the order's mark          0  4  the same
//    4  4  id of the daemon that asks                     4  4  IPv4 address that asks, as a number
//    8  4  id of the daemon that gets the report          8  4  the same
//   12  8  0                                             12  8  15051963, 0
//   20  4  UDP port that gets it                         20  4  the same
//   24  4  0                                             24  4  0
//   28  4  configuration hash                            28  4  0 (index, length)
//   32  8  0 (length, padding, fragment)                 32  4  1100, or the configuration hash
//
// The report has the same header in front of its counters (96 bytes of Spread 5, 92 of Spread 4). A wrong request has no answer at all.
import { Fault } from "../base/fault.ts";

export type StatusDialect = 5 | 4;
export type ByteOrder = "little" | "big";

/** What a report tells. Counters are the daemon's own, signed where it counts so; they wrap. */
export interface StatusReport {
  readonly dialect: StatusDialect;
  readonly byteOrder: ByteOrder;
  readonly version: string;
  readonly secondsUp: number;
  readonly state: number;
  readonly groupState: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly packetsDelivered: number;
  readonly retransmissions: number;
  readonly uRetransmissions: number;
  readonly sRetransmissions: number;
  readonly bRetransmissions: number;
  readonly aru: number;
  readonly myAru: number;
  readonly highestSequence: number;
  readonly tokenHurries: number;
  readonly tokenRounds: number;
  /** Unsigned: the id of a configured daemon (an IPv4 address as a number in Spread 4). */
  readonly myId: number;
  readonly leaderId: number;
  readonly messagesDelivered: number;
  readonly membershipChanges: number;
  /** Daemons in the membership, this one too. */
  readonly daemons: number;
  readonly segments: number;
  readonly window: number;
  readonly personalWindow: number;
  /** `undefined` in Spread 4; `false` also where the daemon took the accelerated ring by default (PROTOCOL.md 11.2). */
  readonly acceleratedRing: boolean | undefined;
  readonly acceleratedWindow: number | undefined;
  readonly sessions: number;
  readonly groups: number;
}

/** Who asks, and where the report goes. */
export interface StatusRequest {
  readonly dialect: StatusDialect;
  readonly byteOrder: ByteOrder;
  /** The configured daemon from whose address the request comes (Spread 4: that address as a number). */
  readonly fromId: number;
  /** The configured daemon to whose address the report goes. */
  readonly replyId: number;
  readonly replyPort: number;
  /** Of Spread 5 the real one; Spread 4 also takes `ANY_HASH_4`. */
  readonly configurationHash: number;
}

/** A datagram that is no status report, or no request. */
export class StatusError extends Fault {
  override readonly name = "StatusError";

  constructor(
    readonly field: "length" | "type" | "data length" | "magic",
    readonly offset: number,
    readonly found: number,
    expected: string,
  ) {
    super(
      "protocol",
      `status-${field.replace(" ", "-")}`,
      `cannot read status: ${field} is ${found} at offset ${offset}, expected ${expected}`,
    );
  }
}

const STATUS_TYPE = 0x01000000;
/** Both bits set: little-endian (PROTOCOL.md 5.1). */
const MARK = 0x80000080;
const MAGIC_4 = 15_051_963;

/** What Spread 4 takes in place of the configuration hash. */
export const ANY_HASH_4 = 1_100;

const HEADER_BYTES = { 5: 40, 4: 36 } as const;
const COUNTER_BYTES = { 5: 96, 4: 92 } as const;
const LENGTH_OFFSET = { 5: 32, 4: 30 } as const;

/** Size of a report. */
export const STATUS_REPORT_BYTES = { 5: 136, 4: 128 } as const;

const STATES = ["operational", "segment", "represented", "gather", "form", "evs"] as const;
const GROUP_STATES = ["operational", "transitional", "gather", "gather and transitional"] as const;

/** The word for `StatusReport.state`: "operational" when the ring stands, else the step of forming one. */
export function stateWord(state: number): string {
  return STATES[state - 1] ?? `state ${state}`;
}

/** The word for `StatusReport.groupState`. */
export function groupStateWord(state: number): string {
  return GROUP_STATES[state - 1] ?? `state ${state}`;
}

/** Writes a request: 40 bytes for Spread 5, 36 for Spread 4. */
export function writeStatusRequest(request: StatusRequest): Uint8Array {
  const { dialect } = request;
  const little = request.byteOrder === "little";
  const bytes = new Uint8Array(HEADER_BYTES[dialect]);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, little ? (STATUS_TYPE | MARK) >>> 0 : STATUS_TYPE, little);
  view.setUint32(4, request.fromId, little);
  view.setUint32(8, request.replyId, little);
  if (dialect === 4) view.setUint32(12, MAGIC_4, little);
  view.setUint32(20, request.replyPort, little);
  view.setUint32(dialect === 5 ? 28 : 32, request.configurationHash, little);
  return bytes;
}

/** Reads a request, as a daemon would. @throws {StatusError} */
export function readStatusRequest(bytes: Uint8Array): StatusRequest {
  const dialect = dialectOf(bytes, HEADER_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = readOrder(view);
  checkLength(view, dialect, 0, little);
  if (dialect === 4 && view.getUint32(12, little) !== MAGIC_4)
    throw new StatusError("magic", 12, view.getUint32(12, little), `${MAGIC_4}`);
  return {
    dialect,
    byteOrder: little ? "little" : "big",
    fromId: view.getUint32(4, little),
    replyId: view.getUint32(8, little),
    replyPort: view.getUint32(20, little),
    configurationHash: view.getUint32(dialect === 5 ? 28 : 32, little),
  };
}

/** Reads a report; its length tells which Spread wrote it. @throws {StatusError} */
export function readStatusReport(bytes: Uint8Array): StatusReport {
  const dialect = dialectOf(bytes, STATUS_REPORT_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = readOrder(view);
  checkLength(view, dialect, COUNTER_BYTES[dialect], little);
  const start = HEADER_BYTES[dialect];
  const long = (offset: number) => view.getInt32(start + offset, little);
  const id = (offset: number) => view.getUint32(start + offset, little);
  const short = (offset: number) => view.getInt16(start + offset, little);
  const tail = dialect === 5 ? 86 : 82; // Spread 4 has no accelerated ring
  return {
    dialect,
    byteOrder: little ? "little" : "big",
    version: `${short(tail + 4)}.${short(tail + 6)}.${short(tail + 8)}`,
    secondsUp: long(0),
    state: long(4),
    groupState: long(8),
    packetsSent: long(12),
    packetsReceived: long(16),
    packetsDelivered: long(20),
    retransmissions: long(24),
    uRetransmissions: long(28),
    sRetransmissions: long(32),
    bRetransmissions: long(36),
    aru: long(40),
    myAru: long(44),
    highestSequence: long(48),
    tokenHurries: long(52),
    tokenRounds: long(56),
    myId: id(60),
    leaderId: id(64),
    messagesDelivered: long(68),
    membershipChanges: short(72),
    daemons: short(74),
    segments: short(76),
    window: short(78),
    personalWindow: short(80),
    acceleratedRing: dialect === 5 ? short(82) !== 0 : undefined,
    acceleratedWindow: dialect === 5 ? short(84) : undefined,
    sessions: short(tail),
    groups: short(tail + 2),
  };
}

/** Writes a report as a daemon does: what a test, or a daemon of ours, answers with. */
export function writeStatusReport(report: StatusReport): Uint8Array {
  const { dialect } = report;
  const little = report.byteOrder === "little";
  const bytes = new Uint8Array(STATUS_REPORT_BYTES[dialect]);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, little ? (STATUS_TYPE | MARK) >>> 0 : STATUS_TYPE, little);
  view.setUint32(8, report.myId, little);
  view.setInt16(LENGTH_OFFSET[dialect], COUNTER_BYTES[dialect], little);
  const start = HEADER_BYTES[dialect];
  for (const [index, counter] of longs(report).entries()) view.setInt32(start + 4 * index, counter, little);
  for (const [index, counter] of shorts(report).entries()) view.setInt16(start + 72 + 2 * index, counter, little);
  return bytes;
}

/** In the order of the wire, from offset 40 (36). */
function longs(report: StatusReport): readonly number[] {
  return [
    ...[
      report.secondsUp,
      report.state,
      report.groupState,
      report.packetsSent,
      report.packetsReceived,
      report.packetsDelivered,
    ],
    ...[report.retransmissions, report.uRetransmissions, report.sRetransmissions, report.bRetransmissions],
    ...[report.aru, report.myAru, report.highestSequence, report.tokenHurries, report.tokenRounds],
    ...[report.myId, report.leaderId, report.messagesDelivered],
  ];
}

function shorts(report: StatusReport): readonly number[] {
  const accelerated =
    report.dialect === 5 ? [report.acceleratedRing === true ? 1 : 0, report.acceleratedWindow ?? 0] : [];
  const version = report.version.split(".").map(Number);
  return [
    ...[
      report.membershipChanges,
      report.daemons,
      report.segments,
      report.window,
      report.personalWindow,
      ...accelerated,
    ],
    ...[report.sessions, report.groups, version[0] ?? 0, version[1] ?? 0, version[2] ?? 0],
  ];
}

function dialectOf(bytes: Uint8Array, sizes: Readonly<Record<StatusDialect, number>>): StatusDialect {
  if (bytes.length === sizes[5]) return 5;
  if (bytes.length === sizes[4]) return 4;
  throw new StatusError("length", 0, bytes.length, `${sizes[5]} bytes (Spread 5) or ${sizes[4]} (Spread 4)`);
}

/** @returns `true` for little-endian */
function readOrder(view: DataView): boolean {
  const raw = view.getUint32(0, true);
  const little = (raw & MARK) >>> 0 === MARK;
  const type = (little ? raw : view.getUint32(0, false)) & ~MARK;
  if (type !== STATUS_TYPE) throw new StatusError("type", 0, type >>> 0, `${STATUS_TYPE}`);
  return little;
}

function checkLength(view: DataView, dialect: StatusDialect, expected: number, little: boolean): void {
  const offset = LENGTH_OFFSET[dialect];
  const found = view.getInt16(offset, little);
  if (found !== expected) throw new StatusError("data length", offset, found, `${expected}`);
}
