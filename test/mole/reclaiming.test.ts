// When a holder announces again what somebody else had claimed.
import { expect, test } from "bun:test";
import { Reclaiming } from "../../lib/mole/io/reclaiming.ts";

/** @param answers how often somebody answers */
function reclaiming(answers: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const did: string[] = [];
  const made = new Reclaiming(
    (vip) => {
      did.push(`ask ${vip}`);
      if (did.length <= answers) made.claimed(vip);
    },
    (vip) => {
      did.push(`announce ${vip}`);
      resolve();
    },
    1,
    1,
  );
  return { made, did, announced: promise };
}

test("not while that one answers, and once when it does no more", async () => {
  const { made, did, announced } = reclaiming(3);
  for (let nth = 0; nth < 5; nth++) made.claimed("web");
  await announced;
  expect(did).toEqual(["ask web", "ask web", "ask web", "ask web", "announce web"]);
  made[Symbol.dispose]();
});

test("what is let go meanwhile is not announced", async () => {
  const { made, did, announced } = reclaiming(0);
  made.claimed("web");
  made.stop("web");
  made.claimed("mail");
  await announced;
  expect(did).toEqual(["ask mail", "announce mail"]);
  made[Symbol.dispose]();
});
