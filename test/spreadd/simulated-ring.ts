// `RingCore` on simulated process groups, run in real time: for the engine contract's suite.
import type { MonotonicMs } from "../../lib/base/brand.ts";
import { Fault } from "../../lib/base/fault.ts";
import { seededRandom } from "../../lib/base/random.ts";
import { parseDaemonName } from "../../lib/spread/names.ts";
import { RingCore } from "../../lib/spreadd/ring-core.ts";
import { Clockwork } from "../sim/clockwork.ts";
import { type CpgProcess, CpgService } from "./cpg-service.ts";
import type { EngineMaker, RingUnderTest } from "./engine-contract.ts";

const SETTLED_MS = 500;

export const simulatedRings: EngineMaker = {
  name: "corosync, simulated",
  hostsMax: 3,
  async makeRing(hosts): Promise<RingUnderTest> {
    const clockwork = new Clockwork();
    const random = seededRandom(hosts);
    const service = new CpgService(clockwork, random, hosts, { detectionMs: 50, mergeMs: 50 });
    clockwork.runUntil(SETTLED_MS); // all nodes in one ring
    const cores = Array.from({ length: hosts }, (_, at) => makeCore(clockwork, random, service, at));
    let isOver = false;
    const turn = () => {
      clockwork.runUntil(clockwork.nowMs + 1);
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    return {
      engines: cores,
      async [Symbol.asyncDispose]() {
        isOver = true;
        for (const core of cores) core.stop();
      },
    };
  },
};

function makeCore(clockwork: Clockwork, random: () => number, service: CpgService, at: number): RingCore {
  let place: CpgProcess | undefined;
  let isFlushComing = false;
  const flush = (afterMs: number) => {
    if (isFlushComing) return;
    isFlushComing = true;
    clockwork.after(afterMs, () => {
      isFlushComing = false;
      if (!core.flush()) flush(2);
    });
  };
  const core = new RingCore(
    { name: parseDaemonName(`h${at}`), startedMs: at, silenceMs: 10_000 },
    {
      now: () => clockwork.nowMs as MonotonicMs,
      wallSeconds: () => 1_700_000_000,
      nonce: () => Math.floor(random() * 2 ** 32),
      send: (bytes) => place !== undefined && service.send(place, bytes),
      flushSoon: () => flush(0.01),
      checkIn: (ms) => clockwork.after(ms, () => core.check()),
    },
  );
  clockwork.after(0, () => {
    place = service.enter(at, {
      entered: (self) => core.entered(self),
      configured: (members, left, hasJoined, isOfRing) => core.configured(members, left, hasJoined, isOfRing),
      ringChanged: (node, sequence) => core.ringChanged(node, sequence),
      delivered: (from, bytes) => core.delivered(from, bytes),
      lost: () => core.lost(new Fault("unavailable", "gone", "gone")),
    });
  });
  return core;
}
