import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ANY_HASH_4,
  groupStateWord,
  readStatusReport,
  readStatusRequest,
  STATUS_REPORT_BYTES,
  StatusError,
  type StatusReport,
  stateWord,
  writeStatusReport,
  writeStatusRequest,
} from "../../lib/spread/status.ts";
import { cases } from "../support/fuzz.ts";
import single from "../vectors/probe/status-5.0.1-single.json";
import monitor from "../vectors/probe/status-5.0.1-spmonitor.json";

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** How the vectors' tool called the counters. */
const fieldsOf = (report: StatusReport) => ({
  sec: report.secondsUp,
  state: report.state,
  gstate: report.groupState,
  packet_sent: report.packetsSent,
  packet_recv: report.packetsReceived,
  packet_delivered: report.packetsDelivered,
  retrans: report.retransmissions,
  u_retrans: report.uRetransmissions,
  s_retrans: report.sRetransmissions,
  b_retrans: report.bRetransmissions,
  aru: report.aru,
  my_aru: report.myAru,
  highest_seq: report.highestSequence,
  token_hurry: report.tokenHurries,
  token_rounds: report.tokenRounds,
  my_id: report.myId | 0,
  leader_id: report.leaderId | 0,
  message_delivered: report.messagesDelivered,
  membership_changes: report.membershipChanges,
  num_procs: report.daemons,
  num_segments: report.segments,
  window: report.window,
  personal_window: report.personalWindow,
  accelerated_ring: report.acceleratedRing === true ? 1 : 0,
  accelerated_window: report.acceleratedWindow ?? -1,
  num_sessions: report.sessions,
  num_groups: report.groups,
  major_version: Number(report.version.split(".")[0]),
  minor_version: Number(report.version.split(".")[1]),
  patch_version: Number(report.version.split(".")[2]),
});

describe("recorded datagrams of the real daemon and the real monitor", () => {
  for (const vector of [single, monitor]) {
    for (const [index, step] of vector.steps.entries()) {
      const bytes = bytesOf(step.hex);
      const { parsed } = step;
      if (step.dir === "c2s")
        test(`${vector.name} ${index}: the request is written again`, () =>
          expect(hexOf(writeStatusRequest(readStatusRequest(bytes)))).toBe(step.hex));
      else if (parsed && "status" in parsed) {
        test(`${vector.name} ${index}: the report is read`, () =>
          expect(fieldsOf(readStatusReport(bytes))).toEqual(parsed.status!));
        test(`${vector.name} ${index}: the report is written again`, () =>
          expect(hexOf(writeStatusReport(readStatusReport(bytes)))).toBe(step.hex));
      }
    }
  }
  test("a request names who asks, the port and the hash", () => {
    const request = {
      dialect: 5,
      byteOrder: "little",
      fromId: 3482217861,
      replyId: 3482217861,
      replyPort: 5826,
      configurationHash: 1416695338,
    } as const;
    expect(readStatusRequest(bytesOf(single.steps[0]!.hex))).toEqual(request);
    expect(readStatusRequest(bytesOf(single.steps[2]!.hex))).toEqual({ ...request, byteOrder: "big" });
  });
});

test("a request to Spread 4 has 36 bytes, its magic number, and takes any hash", () => {
  const request = {
    dialect: 4,
    byteOrder: "little",
    fromId: 0x7f000001,
    replyId: 0x7f000001,
    replyPort: 6543,
    configurationHash: ANY_HASH_4,
  } as const;
  const bytes = writeStatusRequest(request);
  expect(hexOf(bytes)).toBe(
    "800000810100007f0100007fbbace50000000000" + "8f190000" + "00000000" + "00000000" + "4c040000",
  );
  expect(readStatusRequest(bytes)).toEqual(request);
});

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const int16 = fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 });
const small = fc.nat(99);

const anyReport: fc.Arbitrary<StatusReport> = fc
  .record({
    dialect: fc.constantFrom(5 as const, 4 as const),
    byteOrder: fc.constantFrom("little" as const, "big" as const),
    version: fc.tuple(small, small, small).map((parts) => parts.join(".")),
    ...{
      secondsUp: int32,
      state: int32,
      groupState: int32,
      packetsSent: int32,
      packetsReceived: int32,
      packetsDelivered: int32,
    },
    ...{ retransmissions: int32, uRetransmissions: int32, sRetransmissions: int32, bRetransmissions: int32 },
    ...{
      aru: int32,
      myAru: int32,
      highestSequence: int32,
      tokenHurries: int32,
      tokenRounds: int32,
      messagesDelivered: int32,
    },
    ...{
      myId: uint32,
      leaderId: uint32,
      membershipChanges: int16,
      daemons: int16,
      segments: int16,
      window: int16,
      personalWindow: int16,
    },
    ...{ acceleratedRing: fc.boolean(), acceleratedWindow: int16, sessions: int16, groups: int16 },
  })
  .map((report) =>
    report.dialect === 5 ? report : { ...report, acceleratedRing: undefined, acceleratedWindow: undefined },
  );

test("any report of either Spread and either byte order is read as it was written", () => {
  fc.assert(
    fc.property(anyReport, (report) => {
      const bytes = writeStatusReport(report);
      expect(bytes.length).toBe(STATUS_REPORT_BYTES[report.dialect]);
      expect(readStatusReport(bytes)).toEqual(report);
    }),
    cases(2_000),
  );
}, 600_000);

const datagram = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.uint8Array({ minLength: 136, maxLength: 136 }),
  fc
    .tuple(anyReport, fc.array(fc.tuple(fc.nat(135), fc.nat(255)), { maxLength: 3 }), fc.nat(136))
    .map(([report, changes, length]) => {
      const bytes = writeStatusReport(report);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return length < 100 ? bytes : bytes.subarray(0, length);
    }),
);

test("any datagram is a report, a request or a StatusError", () => {
  fc.assert(
    fc.property(datagram, (bytes) => {
      for (const read of [readStatusReport, readStatusRequest]) {
        try {
          read(bytes);
        } catch (error) {
          if (!(error instanceof StatusError)) throw error;
        }
      }
    }),
    cases(10_000),
  );
}, 600_000);

describe("what is wrong with a datagram is said with its offset", () => {
  const report = bytesOf(single.steps[1]!.hex);
  const changed = (at: number, value: number) => Object.assign(report.slice(), { [at]: value });
  for (const [bytes, message] of [
    [
      report.subarray(0, 135),
      "cannot read status: length is 135 at offset 0, expected 136 bytes (Spread 5) or 128 (Spread 4)",
    ],
    [changed(3, 0x82), "cannot read status: type is 33554432 at offset 0, expected 16777216"],
    [changed(32, 0x61), "cannot read status: data length is 97 at offset 32, expected 96"],
  ] as const)
    test(message, () => expect(() => readStatusReport(bytes)).toThrow(message));
});

test("states have words", () => {
  expect([1, 2, 3, 4, 5, 6, 7].map(stateWord)).toEqual([
    "operational",
    "segment",
    "represented",
    "gather",
    "form",
    "evs",
    "state 7",
  ]);
  expect([1, 4, 0].map(groupStateWord)).toEqual(["operational", "gather and transitional", "state 0"]);
});
