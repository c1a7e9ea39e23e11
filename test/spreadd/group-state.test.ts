import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FrameView, readRequest } from "../../lib/spread/frame.ts";
import { viewSize, writeView } from "../../lib/spread/membership.ts";
import { parsePrivateGroup } from "../../lib/spread/names.ts";
import { AGREED, SELF_DISCARD } from "../../lib/spread/service.ts";
import { Deliveries } from "../../lib/spreadd/deliveries.ts";
import { GroupState } from "../../lib/spreadd/group-state.ts";
import type { Member } from "../../lib/spreadd/member.ts";
import { cases } from "../support/fuzz.ts";
import { framesIn, join, leave, message, type Received, toldBy } from "./frames.ts";

const RING = { daemonId: -812_749_435, time: 1_795_414_474 };

/** Groups and sessions, driven by requests as clients send them. */
class Stage {
  readonly state = new GroupState(RING, 42);
  readonly members = new Map<string, Member>();
  readonly #out = new Deliveries();
  readonly #names: string[] = [];

  connect(name: string, wantsViews = true): void {
    this.members.set(name, this.state.connect(this.#names.length, parsePrivateGroup(`#${name}#d`), wantsViews));
    this.#names.push(name);
  }

  join(name: string, group: string) {
    return this.#perform((out) => this.state.join(this.members.get(name)!, request(join(`#${name}#d`, group)), out));
  }

  leave(name: string, group: string) {
    return this.#perform((out) => this.state.leave(this.members.get(name)!, request(leave(`#${name}#d`, group)), out));
  }

  send(name: string, groups: readonly string[], service = AGREED) {
    const sent = request(message(`#${name}#d`, groups, "hi", service));
    return this.#perform((out) => this.state.send(this.members.get(name)!, sent, out));
  }

  disconnect(name: string) {
    const member = this.members.get(name)!;
    this.members.delete(name);
    return this.#perform((out) => {
      this.state.disconnect(member, out);
      this.state.forget(member);
    });
  }

  /** Who gets what, in the order in which it is to be sent. */
  #perform(event: (out: Deliveries) => void): { to: string[]; frame: Received }[] {
    const out = this.#out;
    event(out);
    const sent = Array.from({ length: out.frameCount }, (_, at) => {
      const [frame] = framesIn(out.bytes[at]!.slice(out.starts[at], out.ends[at]));
      const from = at === 0 ? 0 : out.receiversEnd[at - 1]!;
      return { to: out.receivers.slice(from, out.receiversEnd[at]).map((slot) => this.#names[slot]!), frame: frame! };
    });
    out.clear();
    return sent.filter(({ to }) => to.length > 0);
  }
}

function request(bytes: Uint8Array): FrameView {
  const view = new FrameView();
  expect(readRequest(bytes, 0, bytes.length, view)).toBe(bytes.length);
  return view;
}

const told = (sent: { to: string[]; frame: Received }[]) =>
  sent.map(({ to, frame }) => `${to.join(",")} <- ${toldBy(frame)}`);

function stageWith(...names: readonly string[]): Stage {
  const stage = new Stage();
  for (const name of names) stage.connect(name);
  return stage;
}

describe("membership", () => {
  test("a joiner is told with the others, members stand by the bytes of their names", () => {
    const stage = stageWith("zed", "alice", "Bob");
    expect(told(stage.join("zed", "g"))).toEqual(["zed <- join g 1: #zed#d (#zed#d)"]);
    expect(told(stage.join("alice", "g"))).toEqual(["alice,zed <- join g 2: #alice#d #zed#d (#alice#d)"]);
    expect(told(stage.join("Bob", "g"))).toEqual(["Bob,alice,zed <- join g 3: #Bob#d #alice#d #zed#d (#Bob#d)"]);
  });

  test("one who leaves hears of it alone, before the others hear of his leaving", () => {
    const stage = stageWith("a", "b");
    stage.join("a", "g");
    stage.join("b", "g");
    expect(told(stage.leave("a", "g"))).toEqual(["a <- selfLeave g", "b <- leave g 3: #b#d (#a#d)"]);
  });

  test("joining twice and leaving where one is not is nothing", () => {
    const stage = stageWith("a", "b");
    stage.join("a", "g");
    expect(stage.join("a", "g")).toEqual([]);
    expect(stage.leave("b", "g")).toEqual([]);
    expect(stage.leave("b", "nowhere")).toEqual([]);
    expect(told(stage.join("b", "g"))).toEqual(["a,b <- join g 2: #a#d #b#d (#b#d)"]);
  });

  test("one who vanishes leaves its groups in the order of their names, and hears nothing", () => {
    const stage = stageWith("a", "b");
    for (const group of ["zulu", "Alpha", "beta", "alone"]) stage.join("a", group);
    for (const group of ["beta", "zulu", "Alpha"]) stage.join("b", group);
    expect(told(stage.disconnect("a"))).toEqual([
      "b <- disconnect Alpha 3: #b#d (#a#d)",
      "b <- disconnect beta 3: #b#d (#a#d)",
      "b <- disconnect zulu 3: #b#d (#a#d)",
    ]);
    expect(stage.state.groupCount).toBe(3);
  });

  test("a group that was empty begins anew", () => {
    const stage = stageWith("a");
    stage.join("a", "g");
    stage.leave("a", "g");
    expect(stage.state.groupCount).toBe(0);
    expect(told(stage.join("a", "g"))).toEqual(["a <- join g 1: #a#d (#a#d)"]);
  });

  test("who did not ask for views gets none, and counts in those of others", () => {
    const stage = stageWith("a");
    stage.connect("quiet", false);
    expect(stage.join("quiet", "g")).toEqual([]);
    expect(told(stage.join("a", "g"))).toEqual(["a <- join g 2: #a#d #quiet#d (#a#d)"]);
    expect(told(stage.leave("quiet", "g"))).toEqual(["a <- leave g 3: #a#d (#quiet#d)"]);
  });

  test("a view is the bytes that the codec writes for it, of any size", () => {
    const stage = new Stage();
    const names = Array.from({ length: 300 }, (_, at) => `m${(at * 7919) % 1000}`);
    for (const name of names) stage.connect(name);
    for (const [at, name] of names.entries()) {
      const { frame } = stage.join(name, "big")[0]!;
      const members = names
        .slice(0, at + 1)
        .sort()
        .map((member) => parsePrivateGroup(`#${member}#d`));
      const view = {
        group: "big",
        id: { ...RING, index: at + 1, daemonId: RING.daemonId },
        cause: "join",
        members,
        sets: [[parsePrivateGroup(`#${name}#d`)]],
        ownSet: 0,
      } as const;
      const expected = new Uint8Array(viewSize(view));
      writeView(expected, 0, view);
      expect(frame.bytes).toEqual(expected);
    }
  });

  test("a name's bytes behind its NUL do not get into views", () => {
    const stage = stageWith("a");
    const bytes = join("#a#d", "g");
    bytes.fill(0x5a, 48 + 2, 80);
    const out = new Deliveries();
    stage.state.join(stage.members.get("a")!, request(bytes), out);
    expect(framesIn(out.bytes[0]!)[0]!.bytes.subarray(4, 36)).toEqual(join("#a#d", "g").subarray(48, 80));
  });
});

describe("a message", () => {
  test("reaches all members of its group, the sender as well if it is one", () => {
    const stage = stageWith("a", "b", "c");
    stage.join("a", "g");
    stage.join("b", "g");
    expect(told(stage.send("a", ["g"]))).toEqual(["a,b <- message from #a#d to g: hi"]);
    expect(told(stage.send("c", ["g"]))).toEqual(["a,b <- message from #c#d to g: hi"]);
  });

  test("does not come back to a sender that discards its own", () => {
    const stage = stageWith("a", "b");
    for (const group of ["g", "h"]) for (const name of ["a", "b"]) stage.join(name, group);
    expect(told(stage.send("a", ["g"], AGREED | SELF_DISCARD))).toEqual(["b <- message from #a#d to g: hi"]);
    expect(told(stage.send("a", ["g", "h"], AGREED | SELF_DISCARD))).toEqual(["b <- message from #a#d to g h: hi"]);
    expect(stage.send("a", ["#a#d"], AGREED | SELF_DISCARD)).toEqual([]);
  });

  test("to several groups comes once to each session, with all its groups", () => {
    const stage = stageWith("a", "b", "c");
    stage.join("a", "g");
    stage.join("b", "g");
    stage.join("b", "h");
    expect(told(stage.send("c", ["g", "none", "h", "g", "#b#d"]))).toEqual([
      "a,b <- message from #c#d to g none h g #b#d: hi",
    ]);
  });

  test("to a private group reaches just that session, and nobody where there is none", () => {
    const stage = stageWith("a", "b");
    expect(told(stage.send("a", ["#b#d"]))).toEqual(["b <- message from #a#d to #b#d: hi"]);
    for (const nobody of ["#x#d", "#b#elsewhere", "#b#", "#"]) expect(stage.send("a", [nobody])).toEqual([]);
    stage.disconnect("b");
    expect(stage.send("a", ["#b#d"])).toEqual([]);
  });

  test("to a name that begins with # never goes to those who joined it", () => {
    const stage = stageWith("a", "b");
    expect(told(stage.join("a", "#b#d"))).toEqual(["a <- join #b#d 1: #a#d (#a#d)"]);
    expect(told(stage.send("a", ["#b#d"]))).toEqual(["b <- message from #a#d to #b#d: hi"]);
  });

  test("to no group reaches nobody", () => expect(stageWith("a").send("a", [])).toEqual([]));

  test("to a hundred groups reaches everybody in them", () => {
    const stage = stageWith("a", "b");
    const groups = Array.from({ length: 100 }, (_, at) => `g${at}`);
    stage.join("b", "g99");
    expect(stage.send("a", groups).map(({ to }) => to)).toEqual([["b"]]);
  });
});

test("views, and who gets what, are as in a model of sets, whatever sessions do", () => {
  const who = fc.constantFrom("a", "b", "c", "d");
  const group = fc.constantFrom("g", "h", "i");
  const event = fc.oneof(
    fc.record({ do: fc.constant("join" as const), who, group }),
    fc.record({ do: fc.constant("leave" as const), who, group }),
    fc.record({ do: fc.constant("send" as const), who, groups: fc.array(group, { maxLength: 4 }) }),
    fc.record({ do: fc.constant("disconnect" as const), who }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60, size: "max" }), (events) => {
      const stage = stageWith("a", "b", "c", "d");
      const model = new Map<string, Set<string>>(["g", "h", "i"].map((name) => [name, new Set()]));
      for (const step of events) {
        if (!stage.members.has(step.who)) continue;
        if (step.do === "send") {
          const reached = [...new Set(step.groups.flatMap((name) => [...model.get(name)!]))].sort();
          expect(
            stage
              .send(step.who, step.groups)
              .flatMap(({ to }) => to)
              .sort(),
          ).toEqual(reached);
        } else if (step.do === "disconnect") {
          const left = [...model].filter(([, set]) => set.delete(step.who) && set.size > 0);
          expect(stage.disconnect(step.who).map(({ to, frame }) => [frame.name, to])).toEqual(
            left.map(([name, set]) => [name, [...set].sort()]),
          );
        } else {
          const members = model.get(step.group)!;
          const changes = step.do === "join" ? !members.has(step.who) : members.has(step.who);
          if (step.do === "join") members.add(step.who);
          else members.delete(step.who);
          const views = stage[step.do](step.who, step.group).filter(({ frame }) => frame.kind === "view");
          const expected = changes && members.size > 0 ? [[...members].sort()] : [];
          expect(views.map(({ to }) => to)).toEqual(expected);
          expect(views.map(({ frame }) => frame.view?.members.map((member) => member.slice(1, 2)))).toEqual(expected);
        }
      }
      expect(stage.state.groupCount).toBe([...model.values()].filter(({ size }) => size > 0).length);
    }),
    cases(500),
  );
});
