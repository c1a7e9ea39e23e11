// What is told of one vip: who has it, who may, who could, and what happened to it.
import { expect, test } from "bun:test";
import { statusView } from "../../lib/mole/status-view.ts";
import { whyOf } from "../../lib/mole/why.ts";
import { whyView } from "../../lib/mole/why-view.ts";
import { nobody, plain, settled } from "./looked-at.ts";

test("a release is told with what took the vip away, never with what gave it once", () => {
  const { cluster, a, chronicle, status } = settled();
  const { vip } = status().vips.find(({ owner }) => owner === "A")!;
  const { id } = [...a.machine!.holds.values()].find(({ definition }) => definition.name === vip)!.definition;
  expect(chronicle.whyTaken(id, "A")).toBeUndefined();
  a.command({ do: "move", vip, host: "B" });
  cluster.run(1_000);
  expect(chronicle.whyTaken(id, "A")).toBe("moved by an operator");
  expect(chronicle.whyTaken(id, "B")).toBeUndefined();
  expect(chronicle.whyGiven(id)).toBe("moved by an operator");
});

test("why shows in words what the kernel here has of each address", () => {
  const { a, chronicle } = settled();
  const [why] = whyOf(a.machine!, chronicle, nobody, "v0", a.nowMs);
  const rest = { prefixBits: 32, isPresent: false, isOurs: false, leaseLeftMs: undefined, foreign: undefined };
  const addresses = [
    { ...rest, address: "192.0.2.1", device: "eth0", hasCarrier: true },
    {
      ...rest,
      address: "192.0.2.2",
      device: "eth1",
      hasCarrier: false,
      isPresent: true,
      isOurs: true,
      leaseLeftMs: 900,
    },
    { ...rest, address: "192.0.2.3", device: undefined, hasCarrier: false },
  ];
  const here = { vip: "v0", isHeld: false, addresses, announcedAtMs: undefined, renewedAtMs: undefined, takenAway: 2 };
  expect(whyView(why!, here, plain).replaceAll(/ {2,}/g, "  ")).toContain(
    [
      "On this host",
      "  192.0.2.1/32  eth0, which has carrier  not put on here",
      "  192.0.2.2/32  eth1, which has no carrier  put on by this mole, lease 0.9s",
      "  192.0.2.3/32  no device here has its subnet  not put on here",
      "  taken away 2 times by somebody on this host since this mole runs: an operator, or networkd",
    ].join("\n"),
  );
});

test("why tells for each host whether it could hold the vip, and what happened to it", () => {
  const { cluster, a, chronicle, status } = settled();
  const owner = status().vips[0]!.owner!;
  cluster.host(owner).tellLater({ on: "health", vip: "v0", ok: false });
  cluster.host("A").command({ do: "drain", host: owner === "C" ? "B" : "C", force: false });
  cluster.run(1_000);
  const [why] = whyOf(a.machine!, chronicle, nobody, "v0", a.nowMs);
  const reasons = Object.fromEntries(why!.hosts.map(({ host, why: reason }) => [host, reason]));
  expect(reasons[owner]).toBe("a health check fails");
  expect(Object.values(reasons).filter((reason) => reason === "drained by an operator")).toHaveLength(1);
  expect(why!.moves.at(-1)?.what).toBe("held by");
  expect(why!.moves.map(({ why: reason }) => reason).join()).toContain(`health or carrier of ${owner}`);
  expect(whyView(why!, undefined, plain)).toContain(`-  ${owner}  a health check fails`);
  expect(whyOf(a.machine!, chronicle, nobody, "192.0.2.1", a.nowMs)[0]?.vip).toBe("v0");
});

test("in mode safe the wait for who is out of reach is told, and runs down", () => {
  const { cluster, a, chronicle, status } = settled("safe");
  const vip = status().vips.find(({ owner }) => owner === "B")!.vip;
  cluster.host("B").hasGuard = false;
  cluster.host("B").kill();
  cluster.run(300);
  const [why] = whyOf(a.machine!, chronicle, nobody, vip, a.nowMs);
  expect(why?.mayHold[0]).toMatchObject({ host: "B" });
  const left = why!.mayHold[0]!.waitMs!;
  cluster.run(500);
  expect(whyOf(a.machine!, chronicle, nobody, vip, a.nowMs)[0]!.mayHold[0]!.waitMs).toBeLessThan(left);
  expect(statusView(status(), plain)).toMatch(new RegExp(`^${vip} .* moving .* B may still hold it; waits`, "m"));
});

test("a wait that is longer than any host's times says why", () => {
  const { cluster, a, chronicle, status } = settled();
  const b = cluster.host("B");
  const { times } = b.config;
  b.configure({ ...b.config, times: { ...times, leaseMs: 30_000 } });
  cluster.run(500);
  b.configure({ ...b.config, times });
  cluster.run(500);
  expect(status().warnings.join()).toContain("some host once had mole.lease = 30s: who is thrown out is waited for");
  const vip = status().vips.find(({ owner }) => owner === "C")!.vip;
  cluster.host("C").freeze();
  cluster.run(3_000);
  expect(status().vips.find((one) => one.vip === vip)).toMatchObject({
    is: "moving",
    why: "others may still hold it; lease = 30s, which some host once had, is remembered and waited for",
  });
  const [why] = whyOf(a.machine!, chronicle, nobody, vip, a.nowMs);
  expect(why!.mayHold[0]!.why).toEndWith("might be as long as lease = 30s, which some host once had");
});
