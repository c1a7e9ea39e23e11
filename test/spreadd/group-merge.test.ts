// Groups over hosts: the same events on every host, rings that change, and what the members of each host are told. Hosts are a, b, c; a session is "a1".
import { describe, expect, test } from "bun:test";
import { FrameView, readRequest } from "../../lib/spread/frame.ts";
import { parseDaemonName, parsePrivateGroup } from "../../lib/spread/names.ts";
import { Deliveries } from "../../lib/spreadd/deliveries.ts";
import { GroupState } from "../../lib/spreadd/group-state.ts";
import type { Member } from "../../lib/spreadd/member.ts";
import { framesIn, join, leave, toldBy } from "./frames.ts";

const request = (bytes: Uint8Array) => {
  const view = new FrameView();
  readRequest(bytes, 0, bytes.length, view);
  return view;
};

const ID = { a: 30, b: 20, c: 10 } as const;
type Name = keyof typeof ID;

/** One host's groups, with what its sessions were told. */
class Side {
  readonly state = new GroupState({ daemonId: 0, time: 1 }, 1);
  readonly members = new Map<string, Member>();
  readonly told: string[] = [];
  readonly out = new Deliveries();

  constructor(readonly name: Name) {}

  hear(): void {
    for (let at = 0; at < this.out.frameCount; at++) {
      const to = this.out.receivers.slice(at === 0 ? 0 : this.out.receiversEnd[at - 1], this.out.receiversEnd[at]);
      const [frame] = framesIn(this.out.bytes[at]!.slice(this.out.starts[at], this.out.ends[at]));
      const { view } = frame!;
      const line =
        view === undefined
          ? toldBy(frame!).replace(" from ", " ").replace(/ to.*/, "")
          : toldBy(frame!).replace(/ \d+:/, ":");
      if (to.length > 0) this.told.push(`${line}${view && view.sets.length > 1 ? ` own ${view.ownSet}` : ""}`);
    }
    this.out.clear();
  }
}

/** Hosts that are in one ring. */
class Stage {
  readonly sides = { a: new Side("a"), b: new Side("b"), c: new Side("c") };
  #time = 100;

  /** A new ring of these; `sets` as in a merge. */
  ring(names: readonly Name[], sets: readonly number[] = names.map((_, at) => at)): void {
    const snapshots = names.map((name) => this.sides[name].state.snapshot());
    const time = this.#time++;
    const hosts = names.map((name) => ({ name: parseDaemonName(name), id: ID[name], run: name }));
    for (const [own, name] of names.entries()) {
      const side = this.sides[name];
      side.state.merge({ hosts, own, time, merge: { snapshots, sets, salt: time } }, side.out);
      side.hear();
    }
    this.#names = names;
  }

  #names: readonly Name[] = [];

  /** "a1" joins or leaves, in the order of its ring. */
  perform(who: string, what: "join" | "leave", group: string): void {
    const home = who[0] as Name;
    const slot = Number(who[1]);
    const bytes = (what === "join" ? join : leave)(`#${who}#${home}`, group);
    for (const name of this.#names) {
      const { state, members, out } = this.sides[name];
      if (name === home && !members.has(who))
        members.set(who, state.connect(slot, parsePrivateGroup(`#${who}#${home}`), true));
      const frame = request(bytes);
      const member = name === home ? members.get(who)! : state.guest(this.#names.indexOf(home), slot, frame);
      if (what === "join") state.join(member!, frame, out);
      else state.leave(member!, frame, out);
      this.sides[name].hear();
    }
  }

  /** What the sessions of a host were told since this was last asked. */
  told(name: Name): string[] {
    return this.sides[name].told.splice(0);
  }
}

function staged(...joins: readonly [who: string, group: string][]): Stage {
  const stage = new Stage();
  stage.ring(["a", "b", "c"]);
  for (const [who, group] of joins) stage.perform(who, "join", group);
  for (const name of ["a", "b", "c"] as const) stage.told(name);
  return stage;
}

describe("groups over hosts", () => {
  test("members stand by hosts, then by names", () => {
    const stage = staged(["c1", "g"], ["a2", "g"], ["b1", "g"]);
    stage.perform("a1", "join", "g");
    expect(stage.told("c")).toEqual(["join g: #a1#a #a2#a #b1#b #c1#c (#a1#a)"]);
    expect(stage.told("a")).toHaveLength(1);
  });

  test("a host that goes: signal, then a view of those who are left, with one set", () => {
    const stage = staged(["a1", "g"], ["b1", "g"], ["c1", "g"], ["b1", "only-b"]);
    for (const name of ["a", "c"] as const) {
      const { state, out } = stage.sides[name];
      state.transition([1], out);
      state.transition([1], out);
      state.gone(1, out);
      stage.sides[name].hear();
      expect(stage.told(name)).toEqual(["transition g", "network g: #a1#a #c1#c (#a1#a #c1#c)"]);
      expect(state.groupCount).toBe(1);
    }
  });

  test("two parts that merge: a set for each, and each part finds its own", () => {
    const stage = staged(["a1", "g"], ["c1", "g"]);
    stage.ring(["a", "b"], [0, 0]);
    stage.ring(["c"]);
    expect(stage.told("a")).toEqual(["transition g", "network g: #a1#a (#a1#a)"]);
    expect(stage.told("c")).toEqual(["transition g", "network g: #c1#c (#c1#c)"]);
    stage.ring(["a", "b", "c"], [0, 0, 1]);
    expect(stage.told("a")).toEqual(["network g: #a1#a #c1#c (#a1#a | #c1#c) own 0"]);
    expect(stage.told("c")).toEqual(["network g: #a1#a #c1#c (#a1#a | #c1#c) own 1"]);
  });

  test("a group whose members came together and are all there hears nothing, and goes on counting", () => {
    const stage = staged(["a1", "g"], ["b1", "g"], ["c1", "h"]);
    const id = () => stage.sides.a.members.get("a1")!.groups.values().next().value!.id;
    const before = id();
    stage.ring(["a", "b"], [0, 0]);
    expect(stage.told("a")).toEqual([]);
    expect(id()).toEqual(before);
    stage.ring(["a", "b", "c"], [0, 0, 1]);
    expect(stage.told("b")).toEqual([]);
    stage.perform("c1", "join", "g");
    expect(id().time).toBe(before.time);
    expect(id().index & 0xffff).toBe((before.index & 0xffff) + 1);
    expect(stage.sides.c.members.get("c1")!.groups.size).toBe(2);
    expect([...stage.sides.c.members.get("c1")!.groups].map((group) => group.id)).toContainEqual(id());
  });

  test("a host that came back without having heard the same is a set of its own, though nobody is missing", () => {
    const stage = staged(["a1", "g"], ["b1", "g"]);
    stage.ring(["a", "b", "c"], [0, 1, 0]);
    expect(stage.told("a")).toEqual(["transition g", "network g: #a1#a #b1#b (#a1#a | #b1#b) own 0"]);
    expect(stage.told("b")).toEqual(["transition g", "network g: #a1#a #b1#b (#a1#a | #b1#b) own 1"]);
  });

  test("who was told of a loss that was none gets a view all the same", () => {
    const stage = staged(["a1", "g"], ["b1", "g"]);
    const { state, out } = stage.sides.a;
    state.transition([1], out);
    stage.sides.a.hear();
    stage.ring(["a", "b", "c"], [0, 0, 0]);
    expect(stage.told("a")).toEqual(["transition g", "network g: #a1#a #b1#b (#a1#a #b1#b)"]);
    expect(stage.told("b")).toEqual(["network g: #a1#a #b1#b (#a1#a #b1#b)"]);
  });

  test("a join between signal and view lists those who are lost, each host's in a set, the joiner in the last; then the signal again", () => {
    const stage = staged(["a1", "g"], ["b1", "g"], ["c1", "g"]);
    const { state, out } = stage.sides.a;
    state.transition([1], out);
    stage.sides.a.hear();
    stage.told("a");
    stage.perform("a2", "join", "g");
    expect(stage.told("a")).toEqual([
      "network g: #a1#a #a2#a #b1#b #c1#c (#a1#a #c1#c | #b1#b | #a2#a) own 0",
      "network g: #a1#a #a2#a #b1#b #c1#c (#a1#a #c1#c | #b1#b | #a2#a) own 2",
      "transition g",
    ]);
  });

  test("ids are equal on all hosts of a ring, new in each, and differ when a group begins anew", () => {
    const stage = staged(["a1", "g"], ["b1", "g"]);
    const ids = (name: Name) =>
      [...stage.sides[name].members.values()].flatMap(({ groups }) => [...groups].map(({ id }) => JSON.stringify(id)));
    expect(ids("a")).toEqual(ids("b"));
    const seen = new Set(ids("a"));
    stage.ring(["a", "b"], [0, 1]);
    expect(ids("a")).toEqual(ids("b"));
    expect(seen.has(ids("a")[0]!)).toBe(false);
    stage.perform("b1", "leave", "g");
    stage.perform("a1", "leave", "g");
    stage.perform("b1", "join", "g");
    const [first] = ids("b");
    stage.perform("b1", "leave", "g");
    stage.perform("a1", "join", "g");
    expect(ids("a")[0]).not.toBe(first!);
  });
});
