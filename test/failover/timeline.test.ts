import { expect, test } from "bun:test";
import { fateOf, type Story } from "./timeline.ts";

const VIP = "10.7.0.101";
const all = { atMs: 0, parts: [["a", "b", "c", "client"]] };
const holds = (...changes: readonly (readonly [atMs: number, host: string, holds: boolean])[]) =>
  changes.map(([atMs, host, is]) => ({ atMs, host, address: VIP, holds: is }));
const out = (fromMs: number, toMs: number) => ({ address: VIP, fromMs, toMs });
const span = { fromMs: 1_000, toMs: 5_000 };

for (const { claim, story, fate } of [
  {
    claim: "nothing happens",
    story: { holds: holds([10, "a", true]), outages: [], reach: [all] },
    fate: { gapMs: 0, doubledMs: 0, darkMs: 0, takenAfterMs: undefined },
  },
  {
    claim: "a hand-over: a gap of which a part is dark",
    story: {
      holds: holds([10, "a", true], [1_010, "a", false], [1_012, "b", true]),
      outages: [out(1_010, 1_030)],
      reach: [all],
    },
    fate: { gapMs: 20, doubledMs: 0, darkMs: 18, takenAfterMs: 12 },
  },
  {
    claim: "two hosts that reach each other hold it",
    story: { holds: holds([10, "a", true], [1_500, "b", true], [1_800, "a", false]), outages: [], reach: [all] },
    fate: { gapMs: 0, doubledMs: 300, darkMs: 0, takenAfterMs: 500 },
  },
  {
    claim: "two hosts in two parts hold it, until they are one again",
    story: {
      holds: holds([10, "a", true], [1_500, "b", true], [2_100, "a", false]),
      outages: [],
      reach: [all, { atMs: 1_000, parts: [["a"], ["b", "c", "client"]] }, { ...all, atMs: 2_000 }],
    },
    fate: { gapMs: 0, doubledMs: 100, darkMs: 0, takenAfterMs: 500 },
  },
  {
    claim: "a double cover that does not end says so",
    story: { holds: holds([10, "a", true], [4_000, "b", true]), outages: [], reach: [all] },
    fate: { gapMs: 0, doubledMs: 1_000, darkMs: 0, takenAfterMs: 3_000, staysDoubled: true },
  },
  {
    claim: "an outage that does not end counts to the end of the watch",
    story: { holds: holds([10, "a", true], [2_000, "a", false]), outages: [out(2_000, Infinity)], reach: [all] },
    fate: { gapMs: 3_000, doubledMs: 0, darkMs: 0, takenAfterMs: undefined, staysOut: true },
  },
] satisfies { claim: string; story: Omit<Story, "client">; fate: object }[])
  test(`timeline: ${claim}`, () =>
    expect(fateOf(VIP, { ...story, client: "client" }, span)).toEqual({
      address: VIP,
      staysDoubled: false,
      staysOut: false,
      ...fate,
    }));
