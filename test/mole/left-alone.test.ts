// Vips that are left to a holder out of reach, and when that ends. The wire and the table are the test's.
import { describe, expect, test } from "bun:test";
import type { VipId } from "../../lib/mole/definition.ts";
import { LeftAlone } from "../../lib/mole/io/left-alone.ts";
import type { Member } from "../../lib/mole/member.ts";

const VIP = "web=1" as VipId;

/** @param looks what comes of each look in turn: who holds it by the table, else whether the wire answers; when they are through, it must have ended */
function leftAlone(...looks: readonly (Member | boolean)[]) {
  const rest = [...looks];
  const asked: boolean[] = [];
  const { promise: isEnded, resolve, reject } = Promise.withResolvers<void>();
  const left = new LeftAlone({
    asks: async () => {
      const answer = rest.shift() === true;
      asked.push(answer);
      return answer;
    },
    holderOf: () => {
      if (rest.length === 0) reject(new Error("it is left alone still"));
      return typeof rest[0] === "string" ? (rest.shift() as Member) : undefined;
    },
    onEnd: () => resolve(),
    everyMs: 1,
  });
  left.add(VIP);
  return { left, asked, isEnded };
}

describe("a vip that somebody out of reach has is left alone", () => {
  for (const { until, looks, asked } of [
    { until: "nobody answers", looks: [true, true, false], asked: [true, true, false] },
    { until: "a member holds it by the table: who answers is that one", looks: [true, "#b", "#b"], asked: [true] },
    {
      until: "a member holds it that did not find out the same",
      looks: [true, "#b", true, "#b", "#c", "#c"],
      asked: [true, true],
    },
  ])
    test(`until ${until}`, async () => {
      const { left, asked: found, isEnded } = leftAlone(...looks);
      expect(left.vips).toEqual([VIP]);
      await isEnded;
      expect(left.has(VIP)).toBe(false);
      expect(found).toEqual(asked);
    });
});
