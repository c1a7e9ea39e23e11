// What is told of a running mole, to people and to a monitor: status, its warnings and alarms, the verdict.
import { describe, expect, test } from "bun:test";
import { Chronicle } from "../../lib/mole/chronicle.ts";
import type { MoleEvent } from "../../lib/mole/event.ts";
import { simulate } from "../../lib/mole/simulate.ts";
import type { StandsOn } from "../../lib/mole/standing.ts";
import type { Status, VipStatus } from "../../lib/mole/status.ts";
import { statusView } from "../../lib/mole/status-view.ts";
import { verdictLine, verdictOf } from "../../lib/mole/verdict.ts";
import { whyOf, whyOfOwn } from "../../lib/mole/why.ts";
import { whyView } from "../../lib/mole/why-view.ts";
import { nobody, plain, settled } from "./looked-at.ts";

test("a settled cluster is shown whole: who is here, who holds what, and nothing to worry about", () => {
  const { status } = settled();
  const found = status();
  expect(found.hosts.map(({ host, is, load }) => [host, is, load])).toEqual([
    ["A", "here", 1],
    ["B", "here", 1],
    ["C", "here", 1],
  ]);
  for (const { heardAgoMs } of found.hosts) expect(heardAgoMs).toBeLessThan(500);
  expect(found.vips.map(({ is }) => is)).toEqual(["held", "held", "held"]);
  expect(found.warnings).toEqual([]);
  expect(statusView(found, plain)).toMatch(/^B +here +0\.\ds ago +1 +1\/1$/m);
  expect(verdictOf(found, 15_000)).toMatchObject({ status: 0, text: "3 hosts, 3 of 3 vips held, 1 here" });
});

test("a host that nobody hears from is shown as such, at once and later, with the reason", () => {
  const { cluster, status } = settled();
  cluster.host("B").freeze();
  cluster.run(400); // of a silence of 500
  expect(status().hosts[1]).toMatchObject({ host: "B", is: "silent" });
  cluster.run(6_000);
  const found = status();
  expect(found.hosts.find(({ host }) => host === "B")).toMatchObject({
    is: "expelled",
    why: "B thrown out: no sign of life",
  });
  expect(statusView(found, plain)).toMatch(/^B +expelled +6\.\ds ago .* nobody hears from it; for 5s; B thrown out/m);
  expect(found.warnings.join()).toContain("nobody hears from B");
  expect(verdictOf(found, 15_000).status).toBe(1);
  cluster.host("C").kill();
  cluster.run(200);
  const gone = status().hosts.find(({ host }) => host === "C");
  expect(gone).toMatchObject({ is: "away" });
  expect(statusView(status(), plain)).toMatch(/^C +away .* nobody hears from it; for/m);
});

test("without a group nothing is claimed to be known", () => {
  const { cluster, status } = settled();
  cluster.service.crash(cluster.host("A").daemon);
  cluster.run(500);
  const found = status();
  expect(found.is).toBe("away");
  expect(found.vips.map(({ is }) => is)).toEqual(["unknown", "unknown", "unknown"]);
  expect(verdictLine(verdictOf(found, 15_000))).toStartWith("CRITICAL: not in the group: no daemon");
});

describe("a monitor is told", () => {
  const good = settled().status();
  const vip = (more: Partial<VipStatus>) => ({ ...good, vips: [{ ...good.vips[0]!, ...more }, ...good.vips.slice(1)] });
  const outside = { is: "moving", why: "somebody outside of the group answers for 192.0.2.1" } as const;
  const alarm = "02:00 on eth0 says that it has 192.0.2.1";
  const lone = good.hosts.map((host) => ({ ...host, is: host.isThis ? ("here" as const) : ("away" as const) }));
  for (const [claim, status, level, text] of [
    ["that all is well", good, 0, "3 hosts, 3 of 3 vips held, 1 here"],
    [
      "first by a warning of a vip that nobody holds, and why",
      vip({ ...outside, unheldForMs: 9_000 }),
      1,
      "on its way: v0 (somebody outside of the group answers for 192.0.2.1)",
    ],
    [
      "then that it is critical, however young its owner is",
      vip({ ...outside, forMs: 10, unheldForMs: 11_000 }),
      2,
      "held by nobody for more than 10s: v0 (somebody outside of the group answers for 192.0.2.1)",
    ],
    [
      "of a cold start that does not end",
      { ...vip({ is: "uncovered", why: "cold start", unheldForMs: 11_000 }), cold: true },
      2,
      "held by nobody for more than 10s: v0 (cold start)",
    ],
    [
      "at once of a vip that nobody may hold",
      vip({ is: "uncovered", why: "A: stopping" }),
      2,
      "uncovered: v0 (A: stopping)",
    ],
    ["at once of a vip that two hold, and once", { ...good, warnings: [alarm], alarms: [alarm] }, 2, alarm],
    [
      "by a warning of an exchange that goes on",
      { ...good, is: "gathering", text: "they tell", viewForMs: 5_000 },
      1,
      "they tell",
    ],
    [
      "at last that it does not end",
      { ...good, is: "gathering", text: "they tell", viewForMs: 11_000 },
      2,
      "they tell",
    ],
    [
      "that this host was thrown out",
      { ...good, hosts: lone.map((host) => ({ ...host, is: "coming" })) },
      2,
      "this host is thrown out",
    ],
    [
      "by a mole of the version before, without alarms",
      { ...good, alarms: undefined },
      0,
      "3 hosts, 3 of 3 vips held, 1 here",
    ],
  ] as const)
    test(claim, () => {
      expect(verdictOf(status as Status, 10_000)).toMatchObject({ status: level, text });
    });

  test("under maintenance of what a host that is here has not put on: first by a warning, then that it is critical", () => {
    const kept = { is: "kept", why: "its host has not taken it yet" } as const;
    const young = verdictOf(vip({ ...kept, unheldForMs: 9_000 }), 10_000);
    expect(young).toMatchObject({ status: 1, text: "on its way: v0 (its host has not taken it yet)" });
    expect(young.performance).toStartWith("hosts=3 held=2;;;0;3");
    expect(verdictOf(vip({ ...kept, unheldForMs: 11_000 }), 10_000).status).toBe(2);
  });

  test("under maintenance nothing of what a host keeps that is away, for nobody can know; but it is not counted as held", () => {
    const found = verdictOf(
      { ...vip({ is: "kept", owner: "A", unheldForMs: 99_000 }), hosts: lone.slice(1), maintenance: true },
      10_000,
    );
    expect(found.status).toBe(0);
    expect(found.performance).toContain("held=2;;;0;3");
  });
});

test("under maintenance a vip is its host's while that is away, held when it says so, and missed when it is back and does not", () => {
  const { cluster, a, status } = settled();
  a.command({ do: "maintenance", on: true, force: false });
  cluster.run(300);
  const b = cluster.host("B");
  const vip = () => status().vips.find(({ owner }) => owner === "B");
  expect(status().warnings.join()).toContain("MAINTENANCE is on for 0s: nothing is taken over");
  expect(vip()).toMatchObject({ is: "held", why: "" });
  b.crash();
  cluster.service.crash(b.daemon);
  cluster.run(1_000);
  expect(vip()).toMatchObject({ is: "kept", why: "its host went away under maintenance, and keeps it" });
  cluster.service.restart(b.daemon);
  b.isOnWire = () => true; // somebody has taken it by hand
  b.start();
  cluster.run(12_000);
  expect(vip()).toMatchObject({ is: "kept", why: expect.stringContaining("somebody outside of the group answers") });
  expect(verdictOf(status(), 10_000)).toMatchObject({ status: 2, text: expect.stringContaining("held by nobody for") });
  b.isOnWire = () => false;
  cluster.run(2_000);
  expect(vip()).toMatchObject({ is: "held" });
  expect(status().warnings.join()).not.toContain("keeps its vips");
  expect(status().warnings.join()).toMatch(/MAINTENANCE is on for 1\ds/);
  const back = new Chronicle(); // of a mole that is restarted
  back.note({ on: "view", now: a.nowMs, view: a.machine!.session!.view! }, a.machine!);
  cluster.run(2_000);
  expect(status(nobody, undefined, back).warnings.join()).toContain("MAINTENANCE is on for >2s");
});

test("under maintenance nobody has what a host held that was silent before: it is critical in time, and told with what to do", () => {
  const { cluster, a, chronicle, status } = settled();
  cluster.host("B").freeze();
  cluster.run(200);
  a.command({ do: "maintenance", on: true, force: false });
  cluster.run(500); // its lease, of 2 s, runs still
  const vip = () => status().vips.find(({ owner }) => owner === "B")!;
  const { vip: name } = vip();
  expect(vip()).toMatchObject({ is: "held" });
  cluster.run(3_000);
  expect(cluster.holders(vip().addresses[0]!)).toEqual([]);
  expect(vip()).toMatchObject({
    is: "kept",
    isLapsed: true,
    why: expect.stringContaining("mole maintenance off lets others"),
  });
  expect(verdictOf(status(), 15_000)).toMatchObject({
    status: 1,
    text: expect.stringContaining(`on its way: ${name}`),
  });
  const [why] = whyOf(a.machine!, chronicle, nobody, name, a.nowMs);
  expect(whyView(why!, undefined, plain)).toContain(
    "kept for B: its host has been silent since before the maintenance",
  );
  cluster.run(15_000);
  expect(verdictOf(status(), 15_000)).toMatchObject({
    status: 2,
    text: expect.stringContaining(`held by nobody for more than 15s: ${name}`),
  });
});

test("what is uncovered under maintenance, and why nobody may be given it, is told in words", () => {
  const { cluster, a, chronicle, status } = settled();
  a.command({ do: "maintenance", on: true, force: false });
  cluster.run(500);
  const { table } = a.machine!.session!;
  const [entry] = table!.entries.values();
  table!.own(entry!, undefined);
  expect(status().warnings.join()).toContain(
    "nobody holds v0, and nobody takes what is uncovered before mole maintenance off",
  );
  const [why] = whyOf(a.machine!, chronicle, nobody, "v0", a.nowMs);
  expect(whyView(why!, undefined, plain)).toContain("held by nobody: nobody takes it before mole maintenance off");
  table!.suspectAnybody();
  table!.wait({ name: "#x#d", why: "kept", identity: undefined }, true);
  table!.hostList = { version: 9, hosts: ["A", "B", "C", "D"], tiebreak: undefined, former: [] };
  expect(status().warnings.join()).toContain(
    "a host that nobody can name, or who never told whose session it is (#x#d: another key_file?) may hold vips since the maintenance, so nobody takes what is not held until all of mole.hosts are here",
  );
});

test("what nobody is given after a maintenance, for somebody may hold it, says so and not who could have it", () => {
  const { a, status } = settled();
  const { table } = a.machine!.session!;
  const [entry] = table!.entries.values();
  table!.own(entry!, undefined);
  table!.wait({ name: "*", why: "kept", identity: undefined }, true);
  table!.suspectAll("*");
  const { why } = status().vips.find(({ vip }) => vip === entry!.definition.name)!;
  expect(why).toBe("a host that nobody can name may hold it since the maintenance");
});

test("under maintenance a host that falls silent in it has what it had", () => {
  const { cluster, a, status } = settled();
  a.command({ do: "maintenance", on: true, force: false });
  cluster.run(1_000);
  cluster.host("B").freeze();
  cluster.run(20_000);
  expect(status().vips.find(({ owner }) => owner === "B")).toMatchObject({ is: "held" });
});

test("under maintenance a host without the group tells what it has itself: a warning as long as its kernel has it, and critical when not", () => {
  const { cluster, a, status } = settled();
  a.command({ do: "maintenance", on: true, force: false });
  cluster.run(300);
  const own = status().vips.find(({ owner }) => owner === "A")!;
  cluster.service.crash(a.daemon);
  cluster.run(1_000);
  const found = status();
  expect(found.is).toBe("away");
  expect(found.vips.find(({ vip }) => vip === own.vip)).toMatchObject({ is: "held", owner: "A", isHeldHere: true });
  expect(found.vips.filter(({ is }) => is === "unknown")).toHaveLength(2);
  const verdict = verdictOf(found, 10_000);
  expect(verdict).toMatchObject({
    status: 1,
    text: expect.stringMatching(/^MAINTENANCE is on for 1s.*; not in the group: no daemon/),
  });
  expect(verdict.performance).toStartWith("hosts=0 held=1;;;0;3 here=1");
  const [why] = whyOfOwn(found, own.vip);
  expect(whyView(why!, undefined, plain)).toMatch(/: held by A\n! not in the group.*\n! MAINTENANCE/);
  const lost = status(nobody, undefined, undefined, () => false);
  expect(verdictOf(lost, 10_000)).toMatchObject({
    status: 2,
    text: expect.stringContaining(`not on this host any more: ${own.vip}`),
  });
});

test("what a host keeps that nobody hears, when its maintenance is over, is held by nobody: critical in time, with what to do", () => {
  const { cluster, a, status } = settled();
  a.command({ do: "maintenance", on: true, force: false });
  cluster.run(300);
  const kept = status().vips.find(({ owner }) => owner === "B")!.vip;
  const b = cluster.host("B");
  b.crash();
  cluster.service.crash(b.daemon);
  cluster.run(1_000);
  expect(verdictOf(status(), 10_000).status).toBe(1);
  a.command({ do: "maintenance", on: false, force: false });
  cluster.run(3_000);
  const young = status();
  expect(young.vips.find(({ vip }) => vip === kept)).toMatchObject({
    is: "kept",
    why: expect.stringContaining("mole forget B --force"),
  });
  expect(verdictOf(young, 10_000).status).toBe(1);
  cluster.run(10_000);
  expect(verdictOf(status(), 10_000)).toMatchObject({
    status: 2,
    text: expect.stringContaining(
      `kept for more than 10s for B, which nobody hears: ${kept}; where it is off, mole forget B --force or`,
    ),
  });
});

test("a vip that nobody can take says so, with this host's reason, for as long as nobody has had it", () => {
  const { cluster, a, chronicle, status } = settled();
  const vip = status().vips.find(({ owner }) => owner === "B")!.vip;
  for (const host of cluster.hosts) host.failsToAcquire = true;
  cluster.host("B").command({ do: "stop" });
  cluster.run(13_000);
  const of = (found: Status) => found.vips.find((one) => one.vip === vip)!;
  const why = "promote_secondaries=1 is needed";
  expect(of(status(nobody, undefined, undefined, undefined, why)).why).toContain(
    `could not be taken by this host: ${why}`,
  );
  expect(of(status()).why).toContain("could not");
  expect(statusView(status(), plain)).toMatch(new RegExp(`^${vip} .* 1[23]s `, "m"));
  const [told] = whyOf(a.machine!, chronicle, nobody, vip, a.nowMs, () => why);
  expect(told!.hosts.find(({ host }) => host === "A")!.why).toContain(`its last try failed: ${why}`);
  expect(told!.hosts.find(({ host }) => host === "C")!.why).not.toContain(why);
});

test("what holds for several hosts, or for several vips of a host, is told once", () => {
  const { a, status } = settled();
  const { table } = a.machine!.session!;
  for (const host of table!.hosts.values())
    host.facts = { ...host.facts, unfit: { v0: "carrier", v1: "carrier", v2: "health" } };
  for (const entry of table!.entries.values()) if (entry.definition.name === "v0") table!.own(entry, undefined);
  const found = status();
  expect(statusView(found, plain)).toContain(
    "can't hold v0, v1 now: no carrier, no device, or another answers; no health for v2",
  );
  expect(verdictOf(found, 10_000).text).toContain("v0 (A, B, C: no carrier, no device with its subnet");
});

test("what a host can't hold is told of vips that it defines alone", () => {
  const { cluster, a, status } = settled();
  for (const vip of ["v0", "removed"]) a.tellLater({ on: "carrier", vip, up: false });
  cluster.run(1_000);
  expect(a.machine!.session!.table!.hosts.get(a.machine!.session!.member)!.facts.unfit).toHaveProperty("removed");
  expect(status().hosts[0]!.unfit).toEqual({ v0: "carrier" });
});

test("how a host went is told: stopped, or not; and one that is forgotten is shown no more", () => {
  const { cluster, a, status } = settled();
  cluster.host("B").command({ do: "stop" });
  cluster.run(2_000);
  const why = (host: string) => status().hosts.find((one) => one.host === host)?.why;
  expect(why("B")).toBe("B has let all go and left");
  cluster.host("C").kill(); // its guard says good-bye
  cluster.run(2_000);
  expect(why("C")).toContain("without being stopped");
  a.command({ do: "forget", host: "B" });
  cluster.run(500);
  expect(why("B")).toBe("forgotten by an operator, but in mole.hosts of this host still");
  a.configure({ ...a.config, hosts: ["A", "C"] });
  cluster.run(500);
  expect(status().hosts.map(({ host }) => host)).toEqual(["A", "C"]);
});

test("for how much longer this host is held down is told", () => {
  const { cluster, a, status, chronicle } = settled();
  cluster.service.crash(a.daemon);
  cluster.run(1_000);
  cluster.service.restart(a.daemon);
  while (status().hosts[0]!.is !== "here") cluster.run(10);
  const own = status().hosts[0]!;
  expect(own.ready).toBe(false);
  const leftMs = own.heldDownMs!;
  expect(leftMs).toBeGreaterThan(0);
  cluster.run(200);
  expect(status().hosts[0]!.heldDownMs).toBeLessThanOrEqual(leftMs - 200);
  expect(statusView(status(), plain)).toMatch(/^A +here .* held down for \d+s more/m);
  const [why] = whyOf(a.machine!, chronicle, nobody, "v0", a.nowMs);
  expect(why!.hosts.find(({ host }) => host === "A")!.why).toMatch(/held down for \d+s more/);
});

test("a host that hears no other is an alarm, whatever it holds, and so is a part without majority", () => {
  const { cluster, a, status } = settled();
  for (const other of ["B", "C"]) cluster.host(other).kill();
  cluster.settle(10_000);
  expect(status().alarms).toEqual(["this host is alone: it hears none of B, C"]);
  expect(verdictOf(status(), 10_000).status).toBe(2);
  for (const name of ["v0", "v1", "v2"]) a.tellLater({ on: "carrier", vip: name, up: false });
  cluster.run(1_000);
  expect(verdictOf(status(), 10_000)).toMatchObject({
    status: 2,
    text: expect.stringContaining("this host is alone: it hears none of B, C, and holds nothing"),
  });
  const safe = settled("safe");
  for (const other of ["B", "C"]) safe.cluster.host(other).kill();
  safe.cluster.run(1_000);
  expect(safe.status().alarms.join()).toStartWith("no majority: 1 of 3 hosts are here; mode safe covers nothing");
  const { table } = safe.a.machine!.session!;
  for (const [tiebreak, why] of [
    [undefined, "and no mole.tiebreak says which half covers"],
    ["Z", "and not the one with Z (mole.tiebreak)"],
  ] as const) {
    table!.hostList = { version: 9, hosts: ["A", "Z"], tiebreak, former: [] };
    expect(safe.status().alarms.join()).toStartWith(
      `no majority: 1 of 2 hosts are here, just a half, ${why}; mode safe`,
    );
  }
});

test("settings that differ between hosts are told, with who has which", () => {
  const { a, status } = settled();
  const b = [...a.machine!.session!.table!.hosts.values()].find(({ identity }) => identity.host === "B");
  b!.facts = { ...b!.facts, mode: "safe", silenceMs: 4_000, hosts: ["A", "B"] };
  const told = status().warnings.join("\n");
  expect(told).toContain("mole.mode differs, and should be the same on all hosts: available on A, C; safe on B");
  expect(told).toContain("mole.silence differs, and should be the same on all hosts: 4s on B; 500ms on A, C");
  expect(told).toMatch(/mole\.hosts differs.*A B on B/);
  expect(told).not.toContain("mole.lease");
  expect(verdictOf(status(), 10_000).status).toBe(1);
});

test("a vip whose owner finds somebody outside on its address says so", () => {
  const { a, status } = settled();
  const entry = [...a.machine!.session!.table!.entries.values()].find(({ definition }) => definition.name === "v0")!;
  entry.number += 1;
  entry.excused = entry.number;
  const [address] = entry.definition.addresses;
  const told = `somebody outside of the group answers for ${address}`;
  expect(status().vips[0]).toMatchObject({ vip: "v0", is: "moving", why: told });
  expect(statusView(status(), plain)).toMatch(new RegExp(`^v0 .* moving .*${told}`, "m"));
});

test("where a host of the group has the address by itself, that host is named, and what to do", () => {
  const { a, chronicle, status } = settled();
  const entry = [...a.machine!.session!.table!.entries.values()].find(({ definition }) => definition.name === "v0")!;
  const [address = ""] = entry.definition.addresses;
  const onB: StandsOn = (addresses) =>
    addresses.includes(address) ? [{ host: "B", address, prefixBits: 24, device: "eth0" }] : [];
  const told = `B has ${address}/24 by itself: it is on its eth0, not put there by mole; remove it there, or from the config`;
  const { owner } = status().vips.find(({ vip }) => vip === "v0")!;
  expect(owner).not.toBe("B");
  const doubled = `vip v0 is covered by two: ${owner} holds it, and ${told}`;
  expect(status(onB).alarms).toEqual([doubled]);
  expect(verdictOf(status(onB), 10_000)).toMatchObject({ status: 2, text: doubled });
  expect(status(onB).vips[0]!.why).toBe("");
  entry.number += 1;
  entry.excused = entry.number;
  expect(status(onB).vips[0]).toMatchObject({ vip: "v0", is: "moving", why: told });
  expect(status(onB)).toMatchObject({ alarms: [], warnings: expect.arrayContaining([`vip v0: ${told}`]) });
  const [why] = whyOf(a.machine!, chronicle, onB, "v0", a.nowMs);
  expect(why!.notes).toEqual([
    told,
    "it answers for one of its addresses: the owner does not take it while that is so",
  ]);
  expect(status(nobody).warnings.join()).not.toContain(address);
  // It can't have it: nothing is moved there, and nobody is told that it could be.
  const reasons = Object.fromEntries(why!.hosts.map(({ host, could, why: reason }) => [host, [could, reason]]));
  expect(reasons["B"]).toEqual([false, `has ${address}/24 by itself, on its eth0`]);
  const { table, member } = a.machine!.session!;
  const supposed = simulate(table!, member, { suppose: "moved", vip: "v0", host: "B" }, onB);
  if (typeof supposed === "string") throw new Error(supposed);
  expect(supposed.notes).toEqual([`v0 would not go there: ${told}`]);
  expect(supposed.vips.filter(({ before, after }) => before !== after)).toEqual([]);
});

test("what a mole finds when it comes has been so for longer than it can tell", () => {
  const { cluster, a, status } = settled();
  const back = new Chronicle();
  const news: MoleEvent = {
    on: "message",
    now: a.nowMs,
    from: a.machine!.session!.member,
    message: { kind: "mature" },
  };
  a.command({ do: "drain", host: "C", force: false });
  cluster.run(1_000);
  back.note({ ...news, now: a.nowMs }, a.machine!);
  cluster.run(5_000);
  const found = status(nobody, undefined, back);
  expect(found.vips.map(({ isForLonger }) => isForLonger)).toEqual([true, true, true]);
  expect(statusView(found, plain)).toMatch(/^v0 .* held +>5s/m);
  expect(statusView(found, plain)).toMatch(/^C +here .* drained for >5s/m);
  expect(found.warnings).toContain("drained: C for >5s; mole resume HOST has it take part again");
  // It was there all the time.
  expect(statusView(status(), plain)).toMatch(/^v0 .* held +\d/m);
  expect(status().warnings.join()).toMatch(/drained: C for \ds;/);
  // Nobody has said since when: a host that was away before this mole came.
  cluster.host("B").kill();
  cluster.run(3_000);
  const late = new Chronicle();
  late.note({ ...news, now: a.nowMs }, a.machine!);
  cluster.run(7_000);
  expect(status(nobody, undefined, late).warnings).toContain("nobody hears from B for >7s");
  expect(verdictOf(status(), 15_000)).toMatchObject({ status: 1, text: expect.stringContaining("from B for 9s") });
});

test("how long a vip is held is what its holder says, where parts of a network come together", () => {
  const { cluster, status } = settled();
  const before = status().vips;
  cluster.service.part([1, 0, 0]);
  cluster.run(20_000);
  cluster.service.part([0, 0, 0]);
  cluster.settle(10_000);
  for (const { vip, owner, forMs, isForLonger } of status().vips.filter(({ owner }) => owner !== "A")) {
    const was = before.find((one) => one.vip === vip)!;
    expect([vip, isForLonger]).toEqual([vip, false]);
    if (was.owner === owner) expect(forMs!).toBeGreaterThan(was.forMs! + 20_000);
  }
  expect(
    status().vips.some(({ vip, owner }) => owner !== "A" && before.find((one) => one.vip === vip)!.owner === owner),
  ).toBe(true);
});

test("where nobody is heard any more the ages count from the last beat, not from the last news", () => {
  const { cluster, status } = settled();
  cluster.host("B").freeze();
  cluster.run(4_000);
  for (const { host, heardAgoMs, forMs } of status().hosts.filter(({ host: name }) => name === "B"))
    expect([host, heardAgoMs! >= 4_000 && heardAgoMs! < 4_300, forMs! > 3_000]).toEqual(["B", true, true]);
  cluster.service.crash(cluster.host("A").daemon);
  cluster.run(700);
  for (const { host, heardAgoMs, forMs } of status().hosts.filter(({ host: name }) => name !== "B")) {
    expect([host, heardAgoMs]).toEqual([host, forMs]);
    expect([host, heardAgoMs! >= 700 && heardAgoMs! < 1_000]).toEqual([host, true]);
  }
});

test("a host that is drained, and health checks of this host that fail, are told", () => {
  const { cluster, a, status } = settled();
  a.command({ do: "drain", host: "B", force: false });
  a.tellLater({ on: "health", vip: "v1", ok: false });
  cluster.run(1_000);
  const told = status().warnings.join("\n");
  expect(told).toContain("drained: B for 1s; mole resume HOST has it take part again");
  expect(told).toContain("health checks of this host fail for v1");
  expect(verdictOf(status(), 10_000).status).toBe(1);
});
