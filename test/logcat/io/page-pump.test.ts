import { expect, test } from "bun:test";
import type { Output } from "../../../lib/cli/call.ts";
import { PagePump } from "../../../lib/logcat/io/page-pump.ts";
import { PLAIN_PAPER } from "../../../lib/logcat/line-writer.ts";
import { PageOutlet } from "../../../lib/logcat/outlet.ts";
import { systemClock } from "../../../lib/run/clock.ts";

/** An outlet, its pump, and a reader that takes a page only when it is told to. */
function slowReader() {
  const taken: string[] = [];
  let release = () => {};
  const out: Output = {
    isTerminal: false,
    columns: 80,
    colour: false,
    closed: new AbortController().signal,
    write(page) {
      taken.push(typeof page === "string" ? page : new TextDecoder().decode(page));
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    },
  };
  const outlet = new PageOutlet(PLAIN_PAPER, 1_000);
  let rooms = 0;
  const pump = new PagePump(outlet, out, systemClock, () => {
    rooms += 1;
  });
  const put = (text: string) => {
    outlet.open(false)!.ascii(text);
    pump.wake();
  };
  const take = async () => {
    release();
    await Bun.sleep(0);
  };
  return { pump, put, take, taken, rooms: () => rooms };
}

test("what comes in one turn is one write, and what comes while it is on its way is the next", async () => {
  const { put, take, taken, rooms } = slowReader();
  put("a");
  put("b");
  await Bun.sleep(0);
  expect(taken).toEqual(["ab"]);
  put("c");
  put("d");
  await Bun.sleep(0);
  expect(taken).toEqual(["ab"]);
  await take();
  expect(taken).toEqual(["ab", "cd"]);
  expect(rooms()).toBe(1);
});

test("written resolves with what was there when it was asked, though more keeps coming", async () => {
  const { pump, put, take } = slowReader();
  await pump.written(); // nothing is there
  put("a");
  await Bun.sleep(0);
  put("b");
  let isWritten = false;
  void pump.written().then(() => {
    isWritten = true;
  });
  await take();
  put("c");
  await Bun.sleep(0);
  expect(isWritten).toBe(false); // "b" is on its way
  await take();
  expect(isWritten).toBe(true); // and "c" is not yet taken
});

test("drained resolves when nothing is left", async () => {
  const { pump, put, take, taken } = slowReader();
  put("a");
  let isDrained = false;
  void pump.drained().then(() => {
    isDrained = true;
  });
  await Bun.sleep(0);
  expect(isDrained).toBe(false);
  await take();
  expect(isDrained).toBe(true);
  expect(taken).toEqual(["a"]);
});
