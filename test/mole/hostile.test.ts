// Where there is no key, whoever may send to the group can say anything that has the shape of a message. It can do harm; it must not end the process.
import { expect, test } from "bun:test";
import { seededRandom } from "../../lib/base/random.ts";
import { Chronicle } from "../../lib/mole/chronicle.ts";
import { NOTHING_STORED } from "../../lib/mole/event.ts";
import type { Message } from "../../lib/mole/message.ts";
import { readMessage } from "../../lib/mole/message-schema.ts";
import { pack } from "../../lib/mole/packing.ts";
import { statusOf } from "../../lib/mole/status.ts";
import { whyOf } from "../../lib/mole/why.ts";
import { Cluster } from "../sim/cluster.ts";
import { fuzzFactor } from "../support/fuzz.ts";

/** Everything that may be said, of a cluster that has seen something. */
function everythingSaid(): readonly Message[] {
  const said: Message[] = [];
  const cluster = new Cluster({ seed: 3, hosts: 3, vips: 3, mode: "safe", onSend: (message) => said.push(message) });
  cluster.startAll();
  cluster.settle(8_000);
  cluster.host("B").kill();
  cluster.host("A").command({ do: "drain", host: "A", force: false });
  cluster.run(6_000);
  cluster.host("B").start();
  cluster.service.part([0, 0, 1]);
  cluster.run(3_000);
  cluster.host("A").command({ do: "maintenance", on: true, force: false });
  cluster.run(300);
  return said.filter(({ kind }) => kind !== "beat" || said.length < 100);
}

/** Puts values of the same kind, from anywhere in `pool`, in the place of some of the message's own. */
function twist(value: unknown, pool: readonly unknown[], random: () => number): unknown {
  if (random() < 0.03) return pool[Math.floor(random() * pool.length)];
  if (Array.isArray(value)) {
    const list = value.map((one) => twist(one, pool, random));
    if (random() < 0.05) list.splice(Math.floor(random() * list.length), 1);
    if (random() < 0.05 && list.length > 0) list.push(list[Math.floor(random() * list.length)]);
    return list;
  }
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, twist(one, pool, random)]));
  return value;
}

function* valuesIn(value: unknown): Generator<unknown> {
  yield value;
  if (typeof value === "object" && value !== null) for (const one of Object.values(value)) yield* valuesIn(one);
}

test("nothing that has a message's shape ends a machine, nor who looks at it", () => {
  const said = everythingSaid();
  const pool = said.slice(0, 200).flatMap((message) => [...valuesIn(pack(message))]);
  const random = seededRandom(11);
  let taken = 0;
  for (let round = 0; round < 30 * fuzzFactor; round++) {
    const cluster = new Cluster({ seed: round, hosts: 3, vips: 3, mode: round % 2 === 0 ? "safe" : "available" });
    cluster.startAll();
    cluster.settle(8_000);
    const a = cluster.host("A");
    const machine = a.machine!;
    const chronicle = new Chronicle();
    const members = [...machine.session!.view!.members, "#stranger#x", machine.session!.member];
    for (let nth = 0; nth < 60; nth++) {
      const view = machine.session?.view?.id ?? "";
      const original = said[Math.floor(random() * said.length)]!;
      const whole = { ...original, ...("view" in original && { view }) };
      const twisted: unknown = JSON.parse(JSON.stringify(twist(pack(whole), pool, random) ?? null));
      const read = readMessage(twisted);
      if ("wrongAt" in read || read.message.kind === "neighbours") continue;
      taken += 1;
      const event = {
        on: "message",
        now: a.nowMs,
        from: members[nth % members.length]!,
        message: read.message,
      } as const;
      machine.handle(event);
      chronicle.note(event, machine);
      if (nth % 20 === 0) cluster.clockwork.nowMs += 50;
      machine.handle({ on: "timer", now: a.nowMs });
    }
    statusOf({
      isOn: () => true,
      failureOf: () => undefined,
      standsOn: () => [],
      unreadable: new Map(),
      machine,
      chronicle,
      config: a.config,
      group: "mole",
      stored: NOTHING_STORED,
      awayReason: "",
      warnings: [],
      alarms: [],
      nowMs: a.nowMs,
    });
    whyOf(machine, chronicle, () => [], "v0", a.nowMs);
  }
  expect(taken).toBeGreaterThan(300);
});
