// Each promise is broken on purpose: a checker that finds nothing is worth nothing.
import { expect, test } from "bun:test";
import { brokenPromises } from "./invariants.ts";
import type { Entry, Life } from "./record.ts";

const [A, B] = ["#a#x", "#b#y"];

const view = (id: string, members: readonly string[], more: Partial<Extract<Entry, { was: "view" }>> = {}): Entry => ({
  was: "view",
  group: "g",
  id,
  cause: "join",
  members,
  sets: [members.slice(-1)],
  ownSet: members.slice(-1),
  ...more,
});
const network = (id: string, ...sets: readonly (readonly string[])[]): Entry =>
  view(id, sets.flat(), { cause: "network", sets, ownSet: sets[0]! });
const sent = (message: string): Entry => ({ was: "sent", message, groups: ["g"] });
const got = (message: string, sender = A, service: "agreed" | "reliable" = "agreed"): Entry => ({
  was: "message",
  message,
  sender,
  groups: ["g"],
  service,
});
const life = (name: string, ...entries: readonly Entry[]): Life => ({ name, entries: [...entries], isWhole: true });

const both = view("1", [A, B]);
const next = view("2", [A, B], { cause: "leave", sets: [["#c#x"]], ownSet: ["#c#x"] });

test("what is as promised is found so", () => {
  const lives = [
    life(A, view("0", [A]), both, sent("m1"), got("m1"), got("m2", B), got("r", A, "reliable"), sent("r"), next),
    life(B, both, sent("m2"), got("r", A, "reliable"), got("m1"), got("m2", B), next),
  ];
  expect(brokenPromises(lives)).toEqual([]);
});

for (const { broken, lives } of [
  { broken: "out of nowhere", lives: [life(A, both, got("m1"))] },
  { broken: "out of nowhere", lives: [life(A, both, sent("m1"), got("m1", B))] },
  { broken: "twice", lives: [life(A, both, sent("m1"), got("m1"), got("m1"))] },
  { broken: "to a stranger", lives: [life(A, sent("m1"), got("m1"))] },
  { broken: "to a stranger", lives: [life(A, both, sent("m1"), { was: "left", group: "g" }, got("m1"))] },
  { broken: "not in its own view", lives: [life(A, view("1", [B]))] },
  { broken: "a view twice", lives: [life(A, both, both)] },
  { broken: "views differ", lives: [life(A, both), life(B, view("1", [B, A]))] },
  {
    broken: "order differs: m1 before m2",
    lives: [life(A, both, sent("m1"), sent("m2"), got("m1"), got("m2")), life(B, both, got("m2"), got("m1"))],
  },
  {
    broken: "order differs",
    lives: [life(A, both, sent("m1"), got("m1"), next), life(B, both, next, got("m1"))],
  },
  { broken: "not in synchrony", lives: [life(A, both, sent("m1"), got("m1"), next), life(B, both, next)] },
  {
    broken: "not in synchrony",
    lives: [
      life(A, both, sent("m1"), got("m1"), network("2", [A, B], ["#c#x"])),
      life(B, both, network("2", [A, B], ["#c#x"])),
    ],
  },
  {
    broken: "a set that did not come together",
    lives: [life(A, both, network("2", [A, B])), life(B, view("0", [B]), network("2", [A, B]))],
  },
  { broken: "not delivered to its sender", lives: [life(A, both, sent("m1"))] },
])
  test(`${broken} is found`, () => expect(brokenPromises(lives).join("\n")).toContain(broken));

test("a join in the midst of a change may be one of the network to who has lost somebody", () => {
  const interim = network("1", [A], [B]);
  const lives = [
    life(A, { ...interim, sets: [[A], [B]], ownSet: [A] } as Entry, { was: "transition", group: "g", id: "1" }),
    life(B, view("0", [B]), both),
  ];
  expect(brokenPromises(lives)).toEqual([]);
});

test("who came from different sides of a network need not have got the same", () => {
  const lives = [
    life(A, both, sent("m1"), got("m1"), network("3", [A], [B])),
    life(B, both, view("3", [A, B], { cause: "network", sets: [[A], [B]], ownSet: [B] })),
  ];
  expect(brokenPromises(lives)).toEqual([]);
});

test("who was lost, or left, is owed nothing", () => {
  const lost: Life = { ...life(A, both, sent("m1")), isWhole: false };
  const left = life(B, both, { was: "leaving", group: "g" }, sent("m2"), { was: "left", group: "g" });
  expect(brokenPromises([lost, left])).toEqual([]);
});
