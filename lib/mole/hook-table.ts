// `[[mole.hook]]`: programs that are told what happens.
import * as v from "valibot";
import { duration } from "../base/schema.ts";
import type { Complaint } from "../base/table.ts";
import { command, unknownVips } from "./health-table.ts";
import { vipName } from "./vip-table.ts";

/** What a hook may be called on. */
export const OCCASIONS = ["acquire", "release", "view", "refused", "doubled"] as const;
export type Occasion = (typeof OCCASIONS)[number];

const occasion = v.picklist(OCCASIONS, `one of ${OCCASIONS.map((word) => `"${word}"`).join(", ")}`);

/** One entry. */
export const hook = v.strictObject({
  on: v.pipe(
    v.array(occasion, "a list of occasions"),
    v.minLength(1, "at least one occasion"),
    v.description(
      "When: a vip was acquired, was released, could not be acquired, answers from elsewhere too; the group's view changed",
    ),
  ),
  vips: v.optional(
    v.pipe(v.array(vipName, "a list of vips"), v.description("For these vips; left out, for all")),
    undefined,
  ),
  command: v.pipe(command, v.description("The program and its arguments; facts are in MOLE_* variables")),
  timeout: v.optional(v.pipe(duration(), v.description("It is killed when it runs longer")), "10s"),
});

export type HookTable = v.InferOutput<typeof hook>;

/** What is wrong with the hooks. Paths begin at `[mole]`. */
export function checkHooks(hooks: readonly HookTable[], vips: readonly string[]): readonly Complaint[] {
  return hooks.flatMap((one, at) => [
    ...unknownVips(one.vips, vips, ["hook", at, "vips"]),
    ...(one.timeout === 0
      ? [{ path: ["hook", at, "timeout"], code: "short", message: "is 0: it would be killed at once" }]
      : []),
  ]);
}
