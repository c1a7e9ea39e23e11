import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../lib/base/fault.ts";
import { parseDaemonName } from "../../lib/spread/names.ts";
import { readSnapshot } from "../../lib/spreadd/group-snapshot.ts";
import {
  deliveredOf,
  expelledBy,
  expelMessage,
  KEY_BYTES,
  kindOf,
  type MemberState,
  makeTag,
  nonceOf,
  numberOf,
  resyncMessage,
  StateParts,
  sameRing,
  sameTag,
  setNumber,
  stateMessages,
  VERSION_MAX,
} from "../../lib/spreadd/ring-message.ts";
import { cases } from "../support/fuzz.ts";

const TAG = makeTag(1, 2 ** 33 + 5, [{ node: 1, pid: 9 }], 0);

function state(snapshot: Uint8Array): MemberState {
  return {
    versionMin: 1,
    versionMax: 1,
    name: parseDaemonName("a-name-of-19-letter"),
    startedMs: 1_795_000_000_123.5,
    now: 4_000_000_000,
    lastTime: 4_000_000_001,
    key: new Uint8Array(KEY_BYTES).fill(3),
    heard: [{ seat: { node: 4_000_000_000, pid: 5 }, content: 4_000_000_003 }],
    snapshot,
  };
}

/** @throws {Fault} */
function put(parts: readonly Uint8Array[]): MemberState | undefined {
  const whole = new StateParts();
  let read: MemberState | undefined;
  for (const part of parts) read = whole.add(part);
  return read;
}

test("a state comes out as it went in, in as many messages as it takes, each far below what corosync carries whole", () => {
  for (const bytes of [0, 1, 499_900, 499_932, 500_000, 1_600_000]) {
    const told = state(Uint8Array.from({ length: bytes }, (_, at) => at * 7));
    const messages = stateMessages(TAG, told);
    for (const message of messages) {
      expect(message.length).toBeLessThan(1_000_000);
      expect(kindOf(message)).toBe("state");
      expect(sameTag(TAG, message)).toBe(true);
    }
    expect(put(messages)).toEqual(told);
  }
});

test("parts of a state that are out of turn are refused", () => {
  const messages = stateMessages(TAG, state(new Uint8Array(1_200_000)));
  expect(messages.length).toBe(3);
  expect(() => put([messages[1]!])).toThrow("part 1 of 3 is out of turn");
  expect(() => put([messages[0]!, messages[2]!])).toThrow("out of turn");
});

test("each kind says what it is about", () => {
  const expel = expelMessage(TAG, { node: 4_000_000_000, pid: 77 });
  expect([kindOf(expel), expelledBy(expel)]).toEqual(["expel", { node: 4_000_000_000, pid: 77 }]);
  const resync = resyncMessage(TAG, 4_000_000_001);
  expect([kindOf(resync), nonceOf(resync)]).toEqual(["resync", 4_000_000_001]);
  expect([sameRing(resync, 1, 2 ** 33 + 5), sameRing(resync, 1, 5), sameRing(resync, 2, 2 ** 33 + 5)]).toEqual([
    true,
    false,
    false,
  ]);
  setNumber(resync, 4_000_000_002);
  expect(numberOf(resync)).toBe(4_000_000_002);
});

test("a version that we do not speak is no message, but for states: these say who speaks what", () => {
  const resync = resyncMessage(TAG, 1);
  resync[0] = VERSION_MAX + 1;
  expect(kindOf(resync)).toBeUndefined();
  const [told] = stateMessages(TAG, state(new Uint8Array()));
  told![0] = 9;
  expect(kindOf(told!)).toBe("state");
});

test("tags differ by ring, members and number of the exchange", () => {
  const members = [
    { node: 1, pid: 9 },
    { node: 2, pid: 9 },
  ];
  const tags = [makeTag(1, 4, members, 0), makeTag(1, 8, members, 0), makeTag(2, 4, members, 0)];
  tags.push(makeTag(1, 4, members, 1), makeTag(1, 4, members.slice(1), 0));
  expect(new Set(tags.map((tag) => tag.join())).size).toBe(tags.length);
});

test("whatever bytes come, they are read or refused", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .tuple(fc.constantFrom(1, 2, 3, 4), fc.uint8Array({ minLength: 22, maxLength: 400 }))
      .map(([kind, rest]) => Uint8Array.of(1, kind, ...rest)),
  );
  fc.assert(
    fc.property(bytes, (found) => {
      const kind = kindOf(found);
      try {
        if (kind === "state") new StateParts().add(found);
        if (kind === "batch") deliveredOf(found);
        if (kind === "expel") expelledBy(found);
        readSnapshot(found);
      } catch (error) {
        if (!(error instanceof Fault) || error.kind !== "protocol") throw error;
      }
    }),
    cases(2_000),
  );
});
