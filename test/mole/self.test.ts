// What a host knows of itself through its sessions: how long it is held down when it comes back, and when it tries again what it could not take.
import { describe, expect, test } from "bun:test";
import { define } from "../../lib/mole/definition.ts";
import { NOTHING_STORED } from "../../lib/mole/event.ts";
import { Self } from "../../lib/mole/self.ts";
import { DEFAULT_TIMES } from "../../lib/mole/times.ts";
import { hostA, web } from "./one-host.ts";

const config = hostA();
const { holdDownMs } = DEFAULT_TIMES;

/** How long after a session has begun the host may be given what a live holder has. */
function heldDownMs(self: Self, beganMs: number): number {
  self.join(beganMs);
  for (let ms = 0; ; ms += 100) {
    self.tick(beganMs + ms);
    if (self.facts().ready) return ms;
  }
}

describe("a host that comes back is held down", () => {
  test("twice as long with each session within ten minutes, up to 64 times; and as at first when it has been quiet for so long", () => {
    const self = new Self(config, NOTHING_STORED);
    self.mature = true;
    const times = [0, 1, 2, 3, 4, 5, 6, 7].map((nth) => heldDownMs(self, nth * 1_000) / holdDownMs);
    expect(times).toEqual([1, 2, 4, 8, 16, 32, 64, 64]);
    expect(heldDownMs(self, 3_000_000)).toBe(holdDownMs);
  });

  test("and by maturity, where it was not mature yet", () => {
    const self = new Self(config, NOTHING_STORED);
    self.join(0);
    self.tick(10 * holdDownMs);
    expect(self.facts().ready).toBe(false);
    expect(self.ripens(DEFAULT_TIMES.maturityMs)).toBe(true);
    self.tick(10 * holdDownMs);
    expect(self.facts().ready).toBe(true);
  });
});

describe("what could not be taken is tried again", () => {
  test("after 5 s, doubled each time, up to five minutes; and after 5 s again once it has been taken", () => {
    const self = new Self(config, NOTHING_STORED);
    const waits = Array.from({ length: 9 }, (_, nth) => self.refuse(web.id, nth) / 1_000);
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    self.succeed(web.id);
    expect(self.refuse(web.id, 0)).toBe(5_000);
  });

  for (const { what, happens } of [
    {
      what: "its definition has changed",
      happens: (self: Self) =>
        self.configure({ ...config, definitions: [define({ name: "web", addresses: ["192.0.2.1"], weight: 2 })] }),
    },
    {
      what: "its device is back",
      happens: (self: Self) => {
        self.setCarrier("web", false);
        self.setCarrier("web", true);
      },
    },
  ])
    test(`at once, when ${what}`, () => {
      const self = new Self(config, NOTHING_STORED);
      self.refuse(web.id, 1_000);
      expect([...self.willing(2_000)]).toEqual([]);
      happens(self);
      expect([...self.willing(2_000)]).toEqual([web.id]);
      expect(self.isRefusing(web.id)).toBe(false);
    });
});
