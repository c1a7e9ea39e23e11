// When the wire is asked for what is held.
import { expect, test } from "bun:test";
import { WireInquiry } from "../../lib/mole/io/wire-inquiry.ts";

/** Resolves when it has been asked `count` times in all. */
function inquiry() {
  const asked: string[] = [];
  let heard = () => {};
  const made = new WireInquiry(
    (vip) => {
      asked.push(vip);
      heard();
    },
    () => false,
    10,
    [1],
  );
  const times = async (count: number) => {
    while (asked.length < count) await new Promise<void>((resolve) => (heard = resolve));
  };
  return { made, asked, times };
}

test("a vip is asked for again and again, until it is let go", async () => {
  const { made, asked, times } = inquiry();
  made.start("web");
  await times(4);
  made.stop("web");
  made.start("mail");
  const before = asked.length;
  await times(before + 3);
  expect(asked.slice(0, before)).toEqual(Array<string>(before).fill("web"));
  expect(asked.slice(before)).toEqual(Array<string>(asked.length - before).fill("mail"));
  made[Symbol.dispose]();
});
