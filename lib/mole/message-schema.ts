// The shapes of messages, checked once, where they come in. Whoever can send to the group can send anything: nothing in here may be without a bound.
import * as v from "valibot";
import type { Definition } from "./definition.ts";
import type { GroupMessage } from "./message.ts";
import { NEIGHBOURS_TOLD_MAX } from "./neighbours.ts";
import { type PackedMessage, unpack } from "./packing.ts";
import { STANDING_TOLD_MAX } from "./standing.ts";

/** A vip in every one of these lists, and room to spare; more is no cluster of ours. */
const LIST_MOST = 5_000;

const text = v.pipe(v.string(), v.maxLength(2_048));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const put = v.pipe(v.number(), v.safeInteger(), v.minValue(-1));
const ms = v.pipe(v.number(), v.finite(), v.minValue(0));
const share = v.pipe(v.number(), v.finite(), v.gtValue(0));
const listOf = <const Item extends v.GenericSchema>(item: Item) => v.pipe(v.array(item), v.maxLength(LIST_MOST));

const identity = v.strictObject({ host: text, machine: text, incarnation: count });
const definition = v.strictObject({
  name: text,
  id: text,
  digest: text,
  addresses: listOf(text),
  placement: text,
  weight: share,
  prefer: listOf(text),
  only: listOf(text),
  allFailed: v.picklist(["keep", "drop"]),
});
/** Where a definition belongs. */
const index = v.pipe(count, v.maxValue(LIST_MOST));
/** Of all the definitions of all hosts, in each state: by hand, which takes a fifth of the time. */
const indexes = v.custom<number[]>(
  (value) =>
    Array.isArray(value) && value.length <= LIST_MOST && value.every((one) => Number.isInteger(one) && one >= 0),
);
const facts = v.strictObject({
  serial: count,
  capacity: share,
  mode: v.picklist(["available", "safe"]),
  silenceMs: ms,
  leaseMs: ms,
  ready: v.boolean(),
  stopping: v.boolean(),
  definitions: indexes,
  unfit: v.record(text, v.picklist(["health", "carrier"])),
  hosts: listOf(text),
  tiebreak: v.optional(text),
});
const hostList = v.strictObject({
  version: count,
  hosts: listOf(text),
  tiebreak: v.optional(text),
  former: listOf(text),
});
const maintenance = v.strictObject({ counter: count, on: v.boolean() });
const waits = listOf(v.strictObject({ name: text, ms, departed: v.boolean() }));
const snapshot = v.strictObject({
  view: text,
  members: listOf(text),
  entries: listOf(
    v.strictObject({
      definition: index,
      owner: v.optional(text),
      number: count,
      set: listOf(v.strictTuple([text, put])),
      acked: count,
      excused: count,
      vacated: v.boolean(),
      pinned: v.boolean(),
      isDoubtful: v.boolean(),
    }),
  ),
  hosts: listOf(
    v.strictObject({
      member: text,
      identity,
      facts,
      informed: v.boolean(),
      mature: v.boolean(),
      drained: v.boolean(),
      refusing: listOf(text),
    }),
  ),
  expelled: listOf(text),
  waited: listOf(
    v.strictObject({
      name: text,
      why: v.picklist(["expelled", "departed", "kept"]),
      identity: v.optional(identity),
    }),
  ),
  unknown: listOf(text),
  unleased: listOf(text),
  inForce: listOf(text),
  longest: v.strictObject({ silenceMs: ms, leaseMs: ms }),
  warm: v.boolean(),
  covers: v.boolean(),
  knowledge: v.boolean(),
  top: count,
  hostList,
  maintenance,
  beats: v.strictObject({ position: count, last: listOf(v.strictTuple([text, put, put, put])) }),
});
const standing = v.strictObject({
  address: text,
  prefixBits: v.pipe(count, v.maxValue(128)),
  device: v.pipe(v.string(), v.regex(/^[!-~]{1,15}$/)), // it is shown to people
});
const answers = listOf(v.strictTuple([text, count]));

const schema = v.variant("kind", [
  v.strictObject({ kind: v.literal("beat"), view: text, number: count, table: v.boolean() }),
  v.strictObject({
    kind: v.literal("state"),
    version: count,
    view: text,
    identity,
    facts,
    mature: v.boolean(),
    drained: v.boolean(),
    refusing: listOf(text),
    holds: listOf(v.strictObject({ vip: text, put, heldMs: count, definition: index })),
    adopts: v.boolean(),
    table: v.optional(snapshot),
    waits,
    together: count,
    lone: v.optional(listOf(text)),
    expelled: listOf(text),
    knows: listOf(text),
    hostList,
    maintenance,
  }),
  v.strictObject({ kind: v.literal("table"), view: text, begun: v.boolean(), table: v.optional(snapshot), waits }),
  v.strictObject({ kind: v.literal("facts"), facts }),
  v.strictObject({
    kind: v.literal("answer"),
    released: answers,
    acquired: listOf(v.strictTuple([text, count, listOf(text)])),
    refused: answers,
    excused: answers,
    willing: listOf(text),
  }),
  v.strictObject({ kind: v.literal("farewell") }),
  v.strictObject({ kind: v.literal("mature") }),
  v.strictObject({ kind: v.literal("leased") }),
  v.strictObject({ kind: v.literal("drain"), host: text, on: v.boolean(), force: v.boolean() }),
  v.strictObject({
    kind: v.literal("move"),
    view: text,
    vip: text,
    number: count,
    to: text,
    pinned: v.boolean(),
  }),
  v.strictObject({ kind: v.literal("balance") }),
  v.strictObject({
    kind: v.literal("expel"),
    view: text,
    member: text,
    missing: v.variant("what", [
      v.strictObject({ what: v.literal("beat"), after: put }),
      v.strictObject({ what: v.literal("state") }),
      v.strictObject({ what: v.picklist(["released", "acquired"]), vip: text, number: count }),
    ]),
  }),
  v.strictObject({ kind: v.literal("maintenance"), state: maintenance, force: v.boolean() }),
  v.strictObject({ kind: v.literal("forget"), host: text }),
  v.strictObject({ kind: v.literal("listed"), version: count }),
  v.strictObject({ kind: v.literal("maintained"), counter: count }),
  v.strictObject({ kind: v.literal("unreturned") }),
  v.strictObject({
    kind: v.literal("neighbours"),
    neighbours: v.pipe(v.array(v.strictObject({ address: text, mac: text })), v.maxLength(NEIGHBOURS_TOLD_MAX)),
    standing: v.optional(v.pipe(v.array(standing), v.maxLength(STANDING_TOLD_MAX))),
  }),
]);
const packed = v.strictTuple([listOf(definition), schema]);

/** @returns the message, or where it is none: a path into it */
export function readMessage(value: unknown): { readonly message: GroupMessage } | { readonly wrongAt: string } {
  const read = v.safeParse(packed, value, { abortEarly: true });
  if (!read.success) return { wrongAt: v.getDotPath(read.issues[0]) ?? "kind" };
  const [definitions, message] = read.output;
  // What JSON leaves out (`undefined`) is left out here too; the types call it present and undefined, which reads the same.
  const whole = unpack(definitions as readonly Definition[], message as PackedMessage);
  return whole === undefined ? { wrongAt: "a definition's index" } : { message: whole };
}
