import { describe, expect, test } from "bun:test";
import { corosyncDetection, spreadDetection } from "../../lib/mole/detection.ts";
import type { HostConfig } from "../../lib/mole/event.ts";
import { judgeTable, judgeTimes } from "../../lib/mole/readiness.ts";
import { DEFAULT_TIMES } from "../../lib/mole/times.ts";
import { LAN_TIMEOUTS } from "../../lib/spread/spread-conf-options.ts";

const host = (silenceMs: number, mode: "available" | "safe" = "available"): HostConfig => ({
  host: "a",
  machine: "m",
  capacity: 1,
  mode,
  times: { ...DEFAULT_TIMES, silenceMs },
  definitions: [],
  hosts: ["a", "b", "c"],
  tiebreak: undefined,
});

describe("silence is judged by how soon the group service notices a dead host", () => {
  for (const { name, silenceMs, mode, detectionMs, level } of [
    { name: "longer by the margin", silenceMs: 950, mode: "available", detectionMs: 700, level: "fine" },
    { name: "a hair too short", silenceMs: 949, mode: "available", detectionMs: 700, level: "error" },
    { name: "safe wants two ring changes in it", silenceMs: 950, mode: "safe", detectionMs: 700, level: "error" },
    { name: "safe, and long enough", silenceMs: 1_600, mode: "safe", detectionMs: 700, level: "fine" },
    {
      name: "one daemon for all is told, as a danger of its own",
      silenceMs: 500,
      mode: "available",
      detectionMs: 0,
      level: "warning",
    },
  ] as const)
    test(name, () => expect(judgeTimes(host(silenceMs, mode), { ms: detectionMs, from: "x" }).level).toBe(level));
  test("nobody knows how soon", () => expect(judgeTimes(host(1_000), undefined).level).toBe("warning"));
});

test("a real Spread with its own times needs some three seconds", () => {
  const { ms } = spreadDetection(LAN_TIMEOUTS, "spread.conf");
  expect(ms).toBeGreaterThanOrEqual(2_876); // the longest that was seen
  expect(judgeTimes(host(3_500), { ms, from: "spread.conf" }).level).toBe("fine");
  expect(judgeTimes(host(1_000), { ms, from: "spread.conf" })).toMatchObject({
    level: "error",
    text: expect.stringContaining("set mole.silence to at least 3s150ms"),
  });
});

test("corosync's detection follows its token, its nodes and its consensus", () => {
  const nodes = (count: number) => `nodelist {\n${"  node {\n  }\n".repeat(count)}}\n`;
  const ms = (text: string) => corosyncDetection(text, "f").ms;
  expect(ms(`totem {\n  token: 300\n  consensus: 360\n  token_coefficient: 0\n}\n${nodes(5)}`)).toBe(665);
  expect(ms(`totem {\n  token: 1000\n}\n${nodes(2)}`)).toBe(2_205);
  expect(ms(`totem {\n  token: 1000\n}\n${nodes(4)}`)).toBe(2_300 * 2.2 + 5);
  expect(ms("totem {\n}\n")).toBe(6_605);
});

test("a table that covers nothing, names no hosts, or has no tiebreak is told", () => {
  const texts = (config: HostConfig) =>
    judgeTable(config)
      .filter(({ level }) => level !== "fine")
      .map(({ text }) => text);
  expect(texts({ ...host(1_000), hosts: [] }).join()).toContain("nobody can tell which hosts are missing");
  expect(texts(host(1_000)).join()).toContain("nothing to cover");
  expect(texts({ ...host(1_000, "safe"), hosts: ["a", "b"] }).join()).toContain("no tiebreak");
});
