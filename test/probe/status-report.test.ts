import { describe, expect, test } from "bun:test";
import { openMetrics } from "../../lib/base/open-metrics.ts";
import { styleFor } from "../../lib/cli/style.ts";
import { concernsOf, type StatusAnswer } from "../../lib/probe/status-answer.ts";
import { samplesOf } from "../../lib/probe/status-metrics.ts";
import { ratePerSecond, statusDetails, statusTable } from "../../lib/probe/status-report.ts";
import { readStatusReport, type StatusReport } from "../../lib/spread/status.ts";
import monitor from "../vectors/probe/status-5.0.1-spmonitor.json";

const [da, db] = [1, 2].map((step) => readStatusReport(new Uint8Array(Buffer.from(monitor.steps[step]!.hex, "hex"))));
const answer = (name: string, report: StatusReport): StatusAnswer => ({
  name,
  address: "127.0.0.1",
  port: 5811,
  at: "answered",
  report,
  elapsedMs: 1.25,
});
const ring = [answer("da", da!), answer("db", db!)];
const style = styleFor(false);

test("two daemons of one ring, side by side, as the real monitor saw them", () => {
  expect(statusTable(ring, style)).toEqual([
    "DAEMON  ADDRESS         VERSION   UP  STATE        LEADER  DAEMONS  SESSIONS  GROUPS  MESSAGES  RESENT  VIEWS",
    "da      127.0.0.1:5811  5.0.1    10s  operational  da            2         0       0         0       0      1",
    "db      127.0.0.1:5811  5.0.1     9s  operational  da            2         0       0         0       0      1",
  ]);
});

test("with the round before, what changed a second; after a restart nothing is said", () => {
  const later = [
    answer("da", { ...da!, secondsUp: 12, messagesDelivered: 3_000, packetsSent: 201 }),
    answer("db", { ...db!, secondsUp: 1 }),
  ];
  const rows = statusTable(later, style, { answers: ring, sinceMs: 2_000 });
  expect(rows[0]).toEndWith("MSG/S  PKT/S  RESENT/S");
  expect(rows[1]).toEndWith("  1.5k    100         0");
  expect(rows[2]).toEndWith("     -      -         -");
});

test("a counter that wrapped has grown all the same", () => {
  expect(ratePerSecond(-2_147_483_648 + 99, 2_147_483_647 - 100, 1_000)).toBe(200);
  expect(ratePerSecond(5, 10, 1_000)).toBeUndefined();
});

describe("what is of concern", () => {
  const codes = (answers: readonly StatusAnswer[]) =>
    concernsOf(answers).map(({ severity, code }) => `${severity} ${code}`);
  const silent: StatusAnswer = { name: "dc", address: undefined, port: 5811, at: "silent", waitedMs: 1_000 };
  test("nothing, in one whole ring", () => expect(codes(ring)).toEqual([]));
  test("a daemon that forms a ring", () =>
    expect(codes([answer("da", { ...da!, state: 4 })])).toEqual(["critical forming"]));
  test("daemons that follow different leaders", () =>
    expect(codes([ring[0]!, answer("db", { ...db!, leaderId: 7 })])).toEqual(["critical parts"]));
  test("a silent daemon", () => expect(codes([...ring, silent])).toEqual(["critical silent"]));
  test("many packets sent again", () =>
    expect(codes([answer("da", { ...da!, packetsSent: 10_000, retransmissions: 500 })])).toEqual([
      "warning retransmissions",
    ]));
});

test("all counters of a daemon", () => {
  const lines = statusDetails([ring[0]!], style);
  expect(lines[0]).toBe("da: Spread 5.0.1 at 127.0.0.1:5811, little-endian, answered in 1.3 ms");
  expect(lines).toContain("  packets delivered           2");
  expect(lines.length).toBe(22);
});

test("OpenMetrics names every daemon, each family once", () => {
  const text = openMetrics(
    "spread",
    samplesOf([...ring, { name: "dc", address: "127.0.0.3", port: 5811, at: "silent", waitedMs: 1 }]),
  );
  expect(text).toContain('spread_up{daemon="da"} 1\nspread_up{daemon="db"} 1\nspread_up{daemon="dc"} 0\n');
  expect(text).toContain('spread_packets_delivered_total{daemon="db"} 2\n');
  const families = text.match(/^# TYPE \S+/gm)!;
  expect(new Set(families).size).toBe(families.length);
  expect(text).toEndWith("# EOF\n");
});
