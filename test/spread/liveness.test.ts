import { describe, expect, test } from "bun:test";
import type { MonotonicMs } from "../../lib/base/brand.ts";
import { seededRandom } from "../../lib/base/random.ts";
import { Liveness } from "../../lib/spread/liveness.ts";

const at = (ms: number) => ms as MonotonicMs;

/** Looks every period from 1 on, until something is due. */
function looks(liveness: Liveness, fromMs: number, listening = true, count = 8): string[] {
  return Array.from({ length: count }, (_, index) =>
    liveness.look(at(fromMs + (index + 1) * liveness.lookEveryMs), listening),
  );
}

describe("a daemon that says nothing", () => {
  test("is asked once, and taken for dead within the time that was said", () => {
    const liveness = new Liveness(4_000, at(0));
    expect(looks(liveness, 0, true, 3)).toEqual(["ping", "nothing", "dead"]);
  });

  test("is noticed in time whenever it fell silent between two looks", () => {
    const random = seededRandom(7);
    for (let run = 0; run < 1_000; run++) {
      const liveness = new Liveness(4_000, at(0));
      const silentFromMs = random() * 1_000;
      liveness.heard(at(silentFromMs));
      let nowMs = 0;
      let pinged = false;
      for (let step = ""; step !== "dead"; ) {
        nowMs += 1_000 + random() * 2;
        step = liveness.look(at(nowMs), true);
        pinged ||= step === "ping";
      }
      expect(pinged).toBe(true);
      expect(nowMs - silentFromMs).toBeLessThanOrEqual(4_010);
    }
  });

  test("is asked again after each sign of life", () => {
    const liveness = new Liveness(4_000, at(0));
    expect(liveness.look(at(1_000), true)).toBe("ping");
    liveness.heard(at(1_001));
    expect(liveness.look(at(2_000), true)).toBe("ping");
    liveness.heard(at(2_500));
    expect(liveness.look(at(3_000), true)).toBe("nothing");
    expect(liveness.look(at(4_000), true)).toBe("ping");
  });

  test("is not blamed while nothing is read from it", () => {
    expect(looks(new Liveness(4_000, at(0)), 0, false, 20)).toEqual(Array(20).fill("nothing"));
  });

  test("is not blamed for time in which we were stopped", () => {
    const liveness = new Liveness(4_000, at(0));
    expect(liveness.look(at(1_000), true)).toBe("ping");
    // stopped for an hour: what the daemon sent lies unread in the socket
    expect(liveness.look(at(3_600_000), true)).not.toBe("dead");
    liveness.heard(at(3_600_001));
    expect(liveness.look(at(3_601_000), true)).toBe("ping");
    expect(looks(liveness, 3_601_000, true, 2)).toEqual(["nothing", "dead"]);
  });
});
