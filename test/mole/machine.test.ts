// One machine by itself, event by event: what can be said without a cluster. What hosts do together is in test/sim.
import { expect, test } from "bun:test";
import type { Action } from "../../lib/mole/action.ts";
import { type MoleEvent, NOTHING_STORED } from "../../lib/mole/event.ts";
import { Machine } from "../../lib/mole/machine.ts";
import { DEFAULT_TIMES } from "../../lib/mole/times.ts";
import { hostA, web } from "./one-host.ts";

const config = hostA(["A", "B"]);

type Bare<T> = T extends unknown ? Omit<T, "now"> : never;

/** A machine alone in its group: what it sends comes back after a millisecond, timers ring when they should, the driver does what it is told. */
class Alone {
  readonly machine = new Machine(config, NOTHING_STORED);
  readonly done: { readonly atMs: number; readonly action: Action }[] = [];
  nowMs = 0;
  /** Nothing comes back from the group. */
  isCutOff = false;
  /** How long a message takes through the group. */
  groupMs = 1;
  /** What the driver says to an order to acquire. */
  acquires: "acquired" | "failed" = "acquired";
  private wakeMs = Number.POSITIVE_INFINITY;
  private readonly due: { readonly atMs: number; readonly event: Bare<MoleEvent> }[] = [];

  constructor() {
    this.tell({ on: "start", held: [] });
  }

  tell(event: Bare<MoleEvent>): void {
    for (const action of this.machine.handle({ ...event, now: this.nowMs } as MoleEvent)) {
      this.done.push({ atMs: this.nowMs, action });
      this.perform(action);
    }
  }

  runUntil(untilMs: number): void {
    for (;;) {
      this.due.sort((a, b) => a.atMs - b.atMs);
      const nextMs = Math.min(this.wakeMs, this.due[0]?.atMs ?? Number.POSITIVE_INFINITY);
      if (nextMs > untilMs) break;
      this.nowMs = nextMs;
      if (this.due[0]?.atMs === nextMs) this.tell(this.due.shift()!.event);
      else {
        this.wakeMs = Number.POSITIVE_INFINITY;
        this.tell({ on: "timer" });
      }
    }
    this.nowMs = untilMs;
  }

  did(what: Action["do"]): number[] {
    return this.done.filter(({ action }) => action.do === what).map(({ atMs }) => atMs);
  }

  private perform(action: Action): void {
    const later = (ms: number, event: Bare<MoleEvent>) => this.due.push({ atMs: this.nowMs + ms, event });
    if (action.do === "wake") this.wakeMs = action.atMs;
    if (action.do === "connect") {
      later(1, { on: "connected", member: "a1", incarnation: 1 });
      later(2, { on: "view", view: { id: "1", members: ["a1"], cause: "join", together: ["a1"] } });
    }
    if (action.do === "send" && !this.isCutOff)
      later(this.groupMs, { on: "message", from: "a1", message: action.message });
    if (action.do === "probe") later(5, { on: "probed", vip: action.vip, answered: false });
    if (action.do === "acquire") later(1, { on: "driven", vip: action.vip, did: this.acquires });
    if (action.do === "release") later(1, { on: "driven", vip: action.vip, did: "released" });
  }
}

test("nothing is taken before maturity, and nothing before the wire has been asked", () => {
  const alone = new Alone();
  alone.runUntil(DEFAULT_TIMES.maturityMs - 1);
  expect(alone.did("probe")).toEqual([]);
  alone.runUntil(6_000);
  expect(alone.did("probe").length).toBe(1);
  expect(alone.did("acquire").length).toBe(1);
  expect(alone.did("acquire")[0]!).toBeGreaterThan(alone.did("probe")[0]!);
  expect(alone.did("announce").length).toBe(1);
});

test("what is held is renewed with every beat, and each renewal says how long it may be late", () => {
  const alone = new Alone();
  alone.runUntil(8_000);
  const renewals = alone.done.filter(({ action, atMs }) => action.do === "renew" && atMs > 5_000);
  expect(renewals.length).toBeGreaterThanOrEqual(29);
  for (const { action, atMs } of renewals) {
    if (action.do !== "renew") continue;
    expect(action.vips).toEqual([web.id]);
    expect(action.notAfterMs - atMs).toBeGreaterThan(DEFAULT_TIMES.silenceMs - 2 * DEFAULT_TIMES.beatMs);
    expect(action.notAfterMs - atMs).toBeLessThanOrEqual(DEFAULT_TIMES.silenceMs);
  }
});

test("when its own beats stay away it lets go after `silence`, says farewell, and comes back as another", () => {
  const alone = new Alone();
  alone.runUntil(6_000);
  alone.isCutOff = true;
  alone.runUntil(8_000);
  const [releasedMs] = alone.did("release");
  expect(releasedMs! - 6_000).toBeLessThanOrEqual(DEFAULT_TIMES.silenceMs);
  const last = alone.done
    .filter(({ action }) => action.do !== "wake" && action.do !== "report")
    .map(({ action }) => action);
  const after = last.slice(last.findIndex(({ do: what }) => what === "release"));
  expect(after.slice(0, 4).map(({ do: what }) => what)).toEqual(["release", "send", "disconnect", "connect"]);
});

test("a process that was stopped sees at the first event that it is outside, and no late beat brings it back", () => {
  const alone = new Alone();
  alone.runUntil(6_000);
  alone.nowMs = 9_000;
  const lateBeat = { kind: "beat", view: "1", number: 60, table: true } as const;
  const before = alone.done.length;
  alone.tell({ on: "message", from: "a1", message: lateBeat });
  const actions = alone.done.slice(before).map(({ action }) => action.do);
  expect(actions).toContain("release");
  expect(actions).not.toContain("renew");
  expect(alone.machine.mayAcquire(web.id, 1, 9_000)).toBe(false);
});

test("beats that come too late count for nothing, though the last of them was sent just now: who was away in between is outside", () => {
  const alone = new Alone();
  alone.runUntil(6_000);
  alone.isCutOff = true;
  alone.runUntil(6_000 + DEFAULT_TIMES.silenceMs - 2 * DEFAULT_TIMES.beatMs);
  const sent = alone.done.flatMap(({ action }) =>
    action.do === "send" && action.message.kind === "beat" ? [action.message] : [],
  );
  alone.nowMs += 3 * DEFAULT_TIMES.beatMs; // held up for a moment
  const before = alone.done.length;
  alone.tell({ on: "message", from: "a1", message: sent.at(-1)! });
  expect(alone.done.slice(before).map(({ action }) => action.do)).toContain("release");
});

test("between a transitional signal and the view nothing is taken", () => {
  const alone = new Alone();
  alone.runUntil(2_000);
  alone.tell({ on: "transitional" });
  alone.runUntil(6_000);
  expect(alone.did("acquire")).toEqual([]);
  alone.tell({ on: "view", view: { id: "2", members: ["a1"], cause: "network", together: ["a1"] } });
  alone.runUntil(6_200);
  expect(alone.did("acquire")).toHaveLength(1);
});

test("a lost session lets everything go before a new one is asked for", () => {
  const alone = new Alone();
  alone.runUntil(6_000);
  const before = alone.done.length;
  alone.tell({ on: "disconnected" });
  expect(alone.done.slice(before).map(({ action }) => action.do)).toEqual(["release"]);
  alone.runUntil(6_010);
  expect(alone.done.slice(before).map(({ action }) => action.do)).toContain("connect");
});

test("a device without carrier is left at once, before anybody has been told", () => {
  const alone = new Alone();
  alone.runUntil(6_000);
  const before = alone.done.length;
  alone.tell({ on: "carrier", vip: "web", up: false });
  expect(alone.done.slice(before).map(({ action }) => action.do)).toContain("release");
});

test("when its cable is back the wire is asked before anything is taken, whatever the table says of the others", () => {
  const alone = new Alone();
  alone.runUntil(8_000);
  expect(alone.did("probe")).toHaveLength(1);
  alone.tell({ on: "carrier", vip: "web", up: false });
  alone.runUntil(9_000);
  alone.tell({ on: "carrier", vip: "web", up: true });
  alone.runUntil(11_000);
  expect(alone.did("probe")).toHaveLength(2);
  expect(alone.did("acquire").at(-1)).toBeGreaterThan(alone.did("probe").at(-1)!);
});

test("what is taken away time and again while it is held is refused by the number it is owned by", () => {
  const alone = new Alone();
  alone.runUntil(8_000);
  const { number } = alone.machine.session!.table!.entries.get(web.id)!;
  alone.tell({ on: "driven", vip: web.id, did: "failed" });
  const said = alone.done.flatMap(({ action }) =>
    action.do === "send" && action.message.kind === "answer" ? action.message.refused : [],
  );
  expect(said).toEqual([[web.id, number]]);
});

test("a vip that the system will not take is tried again after 5 s, then 10, then 20, also while the group has not heard of it yet", () => {
  const alone = new Alone();
  alone.acquires = "failed";
  alone.groupMs = 60;
  alone.runUntil(40_000);
  const [first, ...again] = alone.did("acquire");
  expect(again.map((atMs) => Math.round((atMs - first!) / 1_000))).toEqual([5, 15, 35]);
  const refusals = alone.done.filter(({ action }) => action.do === "report" && action.report.about === "refused");
  expect(refusals).toHaveLength(4);
});

test("the last host is not drained without force", () => {
  const alone = new Alone();
  alone.runUntil(6_000);
  alone.tell({ on: "command", command: { do: "drain", host: "A", force: false } });
  alone.runUntil(7_000);
  expect(alone.did("release")).toEqual([]);
  expect(alone.done.some(({ action }) => action.do === "report" && action.report.about === "command")).toBe(true);
  alone.tell({ on: "command", command: { do: "drain", host: "A", force: true } });
  alone.runUntil(7_100);
  expect(alone.did("release").length).toBe(1);
});

test("stopping lets go in order, says so, and ends the session for good", () => {
  const alone = new Alone();
  alone.runUntil(6_000);
  const before = alone.done.length;
  alone.tell({ on: "command", command: { do: "stop" } });
  alone.runUntil(6_200);
  const actions = alone.done.slice(before).flatMap(({ action }) => (action.do === "wake" ? [] : [action]));
  expect(actions.some((action) => action.do === "disconnect" && action.forGood)).toBe(true);
  expect(actions.at(-2)).toEqual({ do: "send", message: { kind: "farewell" } });
  expect(actions.some(({ do: what }) => what === "connect")).toBe(false);
});

for (const { name, strike } of [
  {
    name: "nothing comes back from the group any more",
    strike: (alone: Alone) => {
      alone.isCutOff = true;
    },
  },
  { name: "its session is lost before it has let go", strike: (alone: Alone) => alone.tell({ on: "disconnected" }) },
])
  test(`who stops while ${name} lets everything go, ends, and does not come back`, () => {
    const alone = new Alone();
    alone.runUntil(8_000);
    expect(alone.did("acquire")).toHaveLength(1);
    const before = alone.done.length;
    alone.tell({ on: "command", command: { do: "stop" } });
    strike(alone);
    alone.runUntil(12_000);
    const actions = alone.done.slice(before).map(({ action }) => action);
    const [released, ended] = ["release", "disconnect"].map((what) => actions.findIndex((one) => one.do === what));
    expect(released).toBeGreaterThanOrEqual(0);
    expect(ended).toBeGreaterThan(released!);
    expect(actions[ended!]).toEqual({ do: "disconnect", forGood: true });
    expect(actions.some(({ do: what }) => what === "connect")).toBe(false);
    expect(alone.machine.standing).toBe("stopped");
  });
