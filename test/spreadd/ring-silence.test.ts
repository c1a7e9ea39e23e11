// Daemons that do nothing any more, or little: who is left out, when, and who is not. Nobody sends safe messages here, or nobody sends at all.
import { describe, expect, test } from "bun:test";
import { AGREED } from "../../lib/spread/service.ts";
import { RingCluster, SILENCE_MS, type SimHost } from "./ring-cluster.ts";

/** Within this whoever is silent is left out: a call comes twice within `silence`, later where the first hosts are those, then silence is waited for. */
const LEFT_OUT_MS = 2.2 * SILENCE_MS;

const ringOf = ({ daemon }: SimHost) => daemon.currentRing?.hosts.map(({ name }) => String(name)).join(" ");
const rings = ({ hosts }: RingCluster) => hosts.map(ringOf);

/** Each host's session sends to a group that all are in, every few milliseconds. */
function flood(cluster: RingCluster): void {
  const sessions = cluster.hosts.map((host) => host.connect()!);
  for (const session of sessions) session.join("g");
  const send = () => {
    for (const session of sessions)
      if (session.isOpen && !session.host.isFrozen && !session.line.isPaused)
        for (let left = 4; left > 0; left--) session.send(["g"], AGREED);
    cluster.clockwork.after(3, send);
  };
  cluster.clockwork.after(0, send);
}

function settled(seed: number, size: number, traffic: "idle" | "flood"): RingCluster {
  const cluster = new RingCluster(seed, size);
  cluster.run(1_000);
  if (traffic === "flood") flood(cluster);
  cluster.run(500);
  return cluster;
}

const losses = ({ story }: RingCluster) => story.filter((line) => /is gone|is alone/.test(line));

for (const traffic of ["idle", "flood"] as const)
  describe(`a ring with ${traffic === "idle" ? "nothing to do" : "a flood of agreed messages"}`, () => {
    for (const frozen of [[0], [1], [2], [0, 1]])
      test(`leaves out h${frozen.join(" and h")} when stopped, and takes it back`, () => {
        for (let seed = 1; seed <= 3; seed++) {
          const cluster = settled(seed, 4, traffic);
          for (const at of frozen) cluster.hosts[at]!.freeze(true);
          cluster.run(LEFT_OUT_MS);
          const others = [0, 1, 2, 3].filter((at) => !frozen.includes(at));
          const names = others.map((at) => `h${at}`).join(" ");
          expect(others.map((at) => ringOf(cluster.hosts[at]!))).toEqual(others.map(() => names));
          cluster.run(5 * SILENCE_MS);
          for (const at of frozen) cluster.hosts[at]!.freeze(false);
          cluster.run(3_000);
          expect(rings(cluster)).toEqual(["h0 h1 h2 h3", "h0 h1 h2 h3", "h0 h1 h2 h3", "h0 h1 h2 h3"]);
        }
      }, 60_000);

    test("leaves nobody out who is stopped for shorter, again and again", () => {
      for (let seed = 1; seed <= 5; seed++) {
        const cluster = settled(seed, 3, traffic);
        for (let round = 0; round < 20; round++) {
          const host = cluster.hosts[cluster.below(3)]!;
          host.freeze(true);
          cluster.run(SILENCE_MS * (0.3 + 0.5 * cluster.random()));
          host.freeze(false);
          cluster.run(SILENCE_MS * cluster.random());
        }
        expect(losses(cluster)).toEqual([]);
      }
    }, 60_000);

    test("judges nobody when all were stopped at once", () => {
      for (let seed = 1; seed <= 5; seed++) {
        const cluster = settled(seed, 3, traffic);
        for (const host of cluster.hosts) host.freeze(true);
        cluster.run(5 * SILENCE_MS);
        for (const host of cluster.hosts) host.freeze(false);
        cluster.run(3_000);
        expect(losses(cluster)).toEqual([]);
      }
    }, 60_000);
  });

describe("a host is gone in the moment in which another's daemon stops", () => {
  /** Until the others have a ring of theirs, in milliseconds. */
  function strike(cluster: RingCluster, stopped: number, gone: number): number {
    const fromMs = cluster.clockwork.nowMs;
    cluster.hosts[stopped]!.freeze(true);
    cluster.service.part(cluster.hosts.map((_, at) => (at === gone ? 1 : 0)));
    const others = cluster.hosts.filter((_, at) => at !== stopped && at !== gone);
    const names = others.map(({ at }) => `h${at}`).join(" ");
    while (!others.every((host) => ringOf(host) === names)) {
      cluster.run(5);
      if (cluster.clockwork.nowMs - fromMs > 10 * SILENCE_MS) throw new Error(`no ring: ${rings(cluster).join("; ")}`);
    }
    return cluster.clockwork.nowMs - fromMs;
  }

  test("the others wait a moment for it, and not for as long as for one that owes something else", () => {
    for (let seed = 1; seed <= 5; seed++) expect(strike(settled(seed, 5, "flood"), 2, 3)).toBeLessThan(SILENCE_MS);
  });

  test("and who was thrown out for that has time the next time", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const cluster = settled(seed, 5, "idle");
      strike(cluster, 2, 3);
      cluster.hosts[2]!.freeze(false);
      cluster.service.part([0, 0, 0, 0, 0]);
      cluster.run(3_000);
      expect(strike(cluster, 2, 3)).toBeGreaterThan(SILENCE_MS);
    }
  });
});

test("an idle ring says no more than a call within half of silence, and its answers", () => {
  const cluster = settled(1, 3, "idle");
  let sent = 0;
  const { send } = cluster.service;
  cluster.service.send = (...given) => {
    sent += 1;
    return send.apply(cluster.service, given);
  };
  cluster.run(100 * SILENCE_MS);
  expect(sent / 100).toBeLessThan(2 * (1 + 3));
  expect(sent / 100).toBeGreaterThan(1);
});
