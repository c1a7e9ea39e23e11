import { describe, expect, test } from "bun:test";
import { openMetrics } from "../../lib/base/open-metrics.ts";
import { checkSamples, judge, nagiosLine, type Observation, type Thresholds } from "../../lib/probe/check.ts";
import { concernsOf, type StatusAnswer } from "../../lib/probe/status-answer.ts";
import { readStatusReport } from "../../lib/spread/status.ts";
import single from "../vectors/probe/status-5.0.1-single.json";

const report = readStatusReport(new Uint8Array(Buffer.from(single.steps[1]!.hex, "hex")));

export const answered = (name: string, changes: Partial<typeof report> = {}): StatusAnswer => ({
  ...{ name, address: "192.0.2.1", port: 4803, at: "answered", elapsedMs: 0.5 },
  report: { ...report, ...changes },
});
const silent = (name: string): StatusAnswer => ({
  name,
  address: "192.0.2.2",
  port: 4803,
  at: "silent",
  waitedMs: 1_000,
});

const LIMITS: Thresholds = { warningMs: 100, criticalMs: 1_000, daemonsWarning: 0, daemonsCritical: 0 };
const GOOD: Observation = {
  ...{
    failure: undefined,
    unknown: undefined,
    server: "tcp:node1:4803",
    version: "5.0.1",
    connectMs: 1.5,
    roundTripMs: 0.25,
    sent: 5,
    lost: 0,
    daemons: undefined,
  },
};
const withDaemons = (...answers: StatusAnswer[]): Observation => ({
  ...GOOD,
  daemons: { answers, concerns: concernsOf(answers) },
});

describe("one line and one status", () => {
  const table: readonly (readonly [
    name: string,
    found: Observation,
    limits: Partial<Thresholds>,
    status: number,
    line: string,
  ])[] = [
    [
      "all is well",
      GOOD,
      {},
      0,
      "SPREAD OK: round trip 0.25 ms through tcp:node1:4803 (Spread 5.0.1) | connect=0.0015s;;;0 round_trip=0.00025s;0.1;1;0 lost=0;;1;0;5",
    ],
    [
      "slow",
      { ...GOOD, roundTripMs: 100 },
      {},
      1,
      "SPREAD WARNING: round trip 100 ms, warning from 100 ms | connect=0.0015s;;;0 round_trip=0.1s;0.1;1;0 lost=0;;1;0;5",
    ],
    [
      "too slow",
      { ...GOOD, roundTripMs: 1_500 },
      {},
      2,
      "SPREAD CRITICAL: round trip 1500 ms, critical from 1000 ms | connect=0.0015s;;;0 round_trip=1.5s;0.1;1;0 lost=0;;1;0;5",
    ],
    [
      "very fast limits have no exponent",
      GOOD,
      { warningMs: 0.0001 },
      1,
      "SPREAD WARNING: round trip 0.25 ms, warning from 0.0001 ms | connect=0.0015s;;;0 round_trip=0.00025s;0.0000001;1;0 lost=0;;1;0;5",
    ],
    [
      "one lost",
      { ...GOOD, lost: 1 },
      {},
      2,
      "SPREAD CRITICAL: 1 of 5 messages did not come back | connect=0.0015s;;;0 round_trip=0.00025s;0.1;1;0 lost=1;;1;0;5",
    ],
    [
      "no daemon",
      { ...GOOD, failure: "cannot reach daemon", connectMs: undefined, roundTripMs: undefined, sent: 0 },
      {},
      2,
      "SPREAD CRITICAL: cannot reach daemon",
    ],
    [
      "what a peer says can't pass for data",
      { ...GOOD, failure: "a | b=1\nc", connectMs: undefined, roundTripMs: undefined, sent: 0 },
      {},
      2,
      "SPREAD CRITICAL: a / b=1 c",
    ],
    [
      "our own fault",
      { ...GOOD, unknown: "cannot read spread.conf", connectMs: undefined, roundTripMs: undefined, sent: 0 },
      {},
      3,
      "SPREAD UNKNOWN: cannot read spread.conf",
    ],
    [
      "all daemons in the ring",
      withDaemons(answered("a", { daemons: 2 }), answered("b", { daemons: 2 })),
      {},
      0,
      "SPREAD OK: round trip 0.25 ms through tcp:node1:4803 (Spread 5.0.1), 2 of 2 daemons in the ring | connect=0.0015s;;;0 round_trip=0.00025s;0.1;1;0 lost=0;;1;0;5 daemons=2;;;0;2",
    ],
    [
      "one silent",
      withDaemons(answered("a"), silent("b")),
      {},
      2,
      "SPREAD CRITICAL: b: no answer from 192.0.2.2 UDP 4803 within 1000 ms: not running, or another spread.conf there | connect=0.0015s;;;0 round_trip=0.00025s;0.1;1;0 lost=0;;1;0;5 daemons=1;;;0;2",
    ],
    [
      "one silent, and numbers that allow it to be",
      withDaemons(answered("a", { daemons: 2 }), answered("c", { daemons: 2 }), silent("b")),
      { daemonsWarning: 3, daemonsCritical: 2 },
      1,
      "SPREAD WARNING: 2 daemons in the ring, warning below 3 | connect=0.0015s;;;0 round_trip=0.00025s;0.1;1;0 lost=0;;1;0;5 daemons=2;3:;2:;0;3",
    ],
    [
      "the worst first, and what is only a warning not beside it",
      { ...withDaemons(answered("a", { leaderId: 1 }), answered("b", { leaderId: 2 })), roundTripMs: 200 },
      {},
      2,
      "SPREAD CRITICAL: the daemons are in 2 parts: a | b | connect=0.0015s;;;0 round_trip=0.2s;0.1;1;0 lost=0;;1;0;5 daemons=1;;;0;2".replace(
        "a | b |",
        "a / b |",
      ),
    ],
  ];
  for (const [name, found, limits, status, line] of table)
    test(name, () => {
      const verdict = judge(found, { ...LIMITS, ...limits });
      expect([verdict.status, nagiosLine(verdict)]).toEqual([status as 0 | 1 | 2 | 3, line]);
    });
});

test("the same as OpenMetrics", () => {
  const found = withDaemons(answered("a"));
  const text = openMetrics("spread_check", checkSamples(found, judge(found, LIMITS)));
  expect(text.split("\n").filter((line) => !line.startsWith("#"))).toEqual([
    "spread_check_status 0",
    "spread_check_connect_seconds 0.0015",
    "spread_check_round_trip_seconds 0.00025",
    "spread_check_round_trips_lost 0",
    "spread_check_daemons 1",
    "",
  ]);
});
