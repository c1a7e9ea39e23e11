// The simulated group service shows each of the manners that the real ones have (the model, section 1). Were one missing, no history could fail of it.
import { expect, test } from "bun:test";
import { seededRandom } from "../../lib/base/random.ts";
import { Clockwork } from "./clockwork.ts";
import { type Delivery, GroupService, type GroupSession } from "./group-service.ts";

class Ring {
  readonly clockwork = new Clockwork();
  readonly service: GroupService<string>;
  readonly sessions: GroupSession<string>[] = [];
  readonly heard: { readonly atMs: number; readonly delivery: Delivery<string> }[][] = [];

  constructor(seed: number, daemons = 3) {
    this.service = new GroupService(this.clockwork, seededRandom(seed), { daemons, detectionMs: 200, mergeMs: 100 });
    for (const [at, daemon] of this.service.daemons.entries()) {
      const heard: { atMs: number; delivery: Delivery<string> }[] = [];
      this.heard.push(heard);
      const deliver = (delivery: Delivery<string>) => void heard.push({ atMs: this.clockwork.nowMs, delivery });
      this.sessions.push(this.service.open(`s${at}`, daemon, { deliver }));
    }
    this.run(50);
  }

  run(ms: number): void {
    this.clockwork.runUntil(this.clockwork.nowMs + ms);
  }

  say(from: number, text: string): void {
    this.service.send(this.sessions[from]!, text);
  }

  /** What a session heard since, in short: messages as they are, views as their members, "~" for a transitional signal. */
  story(of: number, sinceMs = 0): string[] {
    return this.heard[of]!.filter(({ atMs }) => atMs >= sinceMs).map(({ delivery }) => {
      if (delivery.on === "message") return delivery.payload;
      if (delivery.on === "view") return `[${[...delivery.view.members].sort().join(" ")}]`;
      return delivery.on === "transitional" ? "~" : "lost";
    });
  }
}

/** Whether any of a hundred seeds shows it. */
function everShows(shows: (seed: number) => boolean): boolean {
  return Array.from({ length: 100 }, (_, at) => at + 1).some(shows);
}

test("in quiet times all hear the same in the same order", () => {
  const ring = new Ring(1);
  const startMs = ring.clockwork.nowMs;
  for (let nth = 0; nth < 20; nth++) {
    ring.say(nth % 3, `m${nth}`);
    ring.run(0.3);
  }
  ring.run(50);
  expect(ring.story(0, startMs).length).toBe(20);
  expect(ring.story(1, startMs)).toEqual(ring.story(0, startMs));
  expect(ring.story(2, startMs)).toEqual(ring.story(0, startMs));
});

test("1: a message sent in one view may be delivered in the next", () => {
  const shows = (seed: number) => {
    const ring = new Ring(seed);
    ring.service.crash(ring.service.daemons[2]!);
    ring.say(0, "late");
    ring.run(500);
    const story = ring.story(1);
    return story.indexOf("late") > story.indexOf("[s0 s1]") && story.includes("[s0 s1]");
  };
  expect(everShows(shows)).toBe(true);
});

test("2: a host that is cut off delivers its own messages in the old view, which nobody else gets there", () => {
  const shows = (seed: number) => {
    const ring = new Ring(seed);
    ring.service.part([1, 0, 0]);
    ring.say(0, "mine");
    ring.run(500);
    const own = ring.story(0);
    return own.includes("mine") && own.indexOf("mine") < own.lastIndexOf("[s0]") && !ring.story(1).includes("mine");
  };
  expect(everShows(shows)).toBe(true);
});

test("2: a daemon frozen with the token in its hand delivers a burst in the old view, when the others have long had the next", () => {
  const shows = (seed: number) => {
    const ring = new Ring(seed);
    ring.service.freeze(ring.service.daemons[0]!);
    ring.say(0, "in hand");
    ring.run(400);
    const thawMs = ring.clockwork.nowMs;
    const othersKnow = ring.story(1).includes("[s1 s2]");
    ring.service.thaw(ring.service.daemons[0]!);
    const atOnce = ring.story(0, thawMs);
    return othersKnow && atOnce[0] === "in hand" && !atOnce.some((one) => one.startsWith("["));
  };
  expect(everShows(shows)).toBe(true);
});

test("3: a session thrown out reads of it only later, and the others can't tell it from a death", () => {
  const [thrown, dead] = [new Ring(5), new Ring(5)];
  thrown.service.close(thrown.sessions[0]!, "disconnect");
  dead.service.close(dead.sessions[0]!, "disconnect");
  for (const ring of [thrown, dead]) ring.run(50);
  expect(thrown.story(1)).toEqual(dead.story(1));
  expect(thrown.story(1).at(-1)).toBe("[s1 s2]");
});

test("4: a member may be mute, and a stalled daemon delivers everybody's messages at once", () => {
  const ring = new Ring(6);
  ring.service.freeze(ring.service.daemons[1]!);
  const frozenMs = ring.clockwork.nowMs;
  for (let nth = 0; nth < 10; nth++) {
    ring.say(nth % 3, `m${nth}`);
    ring.run(15);
  }
  expect(ring.story(0, frozenMs)).toEqual([]);
  const thawMs = ring.clockwork.nowMs;
  ring.service.thaw(ring.service.daemons[1]!);
  ring.run(5);
  expect(ring.story(0, thawMs).length).toBe(10);
  expect(ring.story(0, thawMs)).toEqual(ring.story(2, thawMs));
});

test("5: views cascade: two different rings within one second", () => {
  const ring = new Ring(7, 4);
  ring.service.crash(ring.service.daemons[3]!);
  ring.run(260);
  ring.service.crash(ring.service.daemons[2]!);
  ring.run(300);
  const views = ring.heard[0]!.flatMap(({ atMs, delivery }) => (delivery.on === "view" ? [{ atMs, delivery }] : []));
  const last = views.slice(-2);
  expect(last.map(({ delivery }) => delivery.view.members.length)).toEqual([3, 2]);
  expect(last[1]!.atMs - last[0]!.atMs).toBeLessThan(1_000);
});

test("6: while a ring changes nobody's messages are ordered, the survivors' own included", () => {
  const ring = new Ring(8);
  const crashMs = ring.clockwork.nowMs;
  ring.service.crash(ring.service.daemons[2]!);
  ring.say(0, "patience");
  ring.run(150);
  expect(ring.story(0, crashMs)).toEqual([]);
  ring.run(200);
  expect(ring.story(0, crashMs)).toContain("patience");
});

test("nobody's messages overtake each other, not even what is said at the delivery that ends a pause", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const ring = new Ring(seed);
    const service = ring.service;
    const echoing = service.open("echo", service.daemons[0]!, {
      deliver: (delivery) => {
        if (delivery.on === "message" && delivery.payload === "ping") service.send(echoing, "second");
      },
    });
    ring.run(50);
    const startMs = ring.clockwork.nowMs;
    service.daemons[0]!.delayMs = 100;
    ring.say(1, "ping");
    service.part([0, 0, 1]);
    service.send(echoing, "first");
    ring.run(20);
    service.part([0, 0, 0]);
    ring.run(500);
    const said = ring.story(1, startMs).filter((one) => one === "first" || one === "second");
    expect({ seed, said }).toEqual({ seed, said: ["first", "second"] });
  }
});

test("who moves together from ring to ring has heard the same before the new view", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const ring = new Ring(seed, 4);
    const startMs = ring.clockwork.nowMs;
    for (let nth = 0; nth < 30; nth++) {
      ring.say(nth % 4, `m${nth}`);
      if (nth === 15) ring.service.part([0, 0, 1, 1]);
      ring.run(0.4);
    }
    ring.run(500);
    const messages = (of: number) => ring.story(of, startMs).filter((one) => one !== "~");
    expect(messages(1)).toEqual(messages(0));
    expect(messages(3)).toEqual(messages(2));
    ring.service.part([0, 0, 0, 0]);
    ring.run(400);
    expect(ring.story(3).filter((one) => one === "[s0 s1 s2 s3]").length).toBeGreaterThan(1);
  }
});

test("a view says who came together with the receiver", () => {
  const ring = new Ring(9, 4);
  ring.service.part([0, 0, 1, 1]);
  ring.run(500);
  ring.service.part([0, 0, 0, 0]);
  ring.run(400);
  const last = ring.heard[2]!.flatMap(({ delivery }) => (delivery.on === "view" ? [delivery.view] : [])).at(-1)!;
  expect([...last.members].sort()).toEqual(["s0", "s1", "s2", "s3"]);
  expect([...last.together].sort()).toEqual(["s2", "s3"]);
  expect(last.cause).toBe("network");
});
