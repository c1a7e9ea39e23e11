// What a host keeps on disk, as text and back. It is read at the start and by nobody else; a newer version's file is taken for what this one knows of it.
import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import { NOTHING_STORED, type Stored } from "./event.ts";

/** On disk: what the machine wants kept, and the last session's incarnation, so that a clock that jumps back makes no name twice. */
export interface Kept {
  readonly stored: Stored;
  readonly incarnation: number;
}

export const NOTHING_KEPT: Kept = { stored: NOTHING_STORED, incarnation: 0 };

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const ms = v.pipe(v.number(), v.finite(), v.minValue(0));
const shape = v.object({
  version: v.literal(1),
  incarnation: count,
  stored: v.object({
    hostList: v.object({
      version: count,
      hosts: v.array(v.string()),
      tiebreak: v.optional(v.string()),
      former: v.array(v.string()),
    }),
    maintenance: v.object({ counter: count, on: v.boolean() }),
    // A mole that did not say so has lifted them at once.
    lifted: v.optional(v.boolean()),
    unreturned: v.optional(v.boolean()),
    longest: v.object({ silenceMs: ms, leaseMs: ms }),
  }),
});

export function writeKept({ stored, incarnation }: Kept): string {
  return `${JSON.stringify({ version: 1, incarnation, stored }, undefined, 2)}\n`;
}

/** @throws {Fault} kind "data" where it is none: then nobody can tell what was decided before, and an operator has to */
export function readKept(text: string, path: string): Kept {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Fault("data", "state", `cannot read ${path}: no JSON; ${WHAT_TO_DO}`, { cause });
  }
  const read = v.safeParse(shape, value);
  if (!read.success)
    throw new Fault(
      "data",
      "state",
      `cannot read ${path}: ${v.getDotPath(read.issues[0]) ?? "it"} is not as it should be; ${WHAT_TO_DO}`,
    );
  const { stored, incarnation } = read.output;
  const { hostList, maintenance, lifted = maintenance.on, unreturned = maintenance.on } = stored;
  const list = { ...hostList, tiebreak: hostList.tiebreak };
  return { stored: { ...stored, lifted, unreturned, hostList: list }, incarnation };
}

const WHAT_TO_DO = "remove it if the cluster is not under maintenance";
