import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { type Message, VERSION } from "../../lib/mole/message.ts";
import { type Header, type Mac, Opener, seal as sealParts, WireFault } from "../../lib/mole/wire.ts";
import { Cluster } from "../sim/cluster.ts";
import { cases } from "../support/fuzz.ts";

const keyed =
  (key: string): Mac =>
  (bytes) =>
    new Uint8Array(createHmac("sha256", key).update(bytes).digest());
const mac = keyed("secret");
const header = { view: "3.1", sender: "#m1#a", incarnation: 7, counter: 12 };
const beat: Message = { kind: "beat", view: "3.1", number: 5, table: true };

/** Of a message that takes one frame. */
function seal(message: Message, at: Header, key: Mac | undefined, version?: number): Uint8Array {
  const frames = sealParts(message, at, key, version);
  expect(frames).toHaveLength(1);
  return frames[0]!;
}

/** A frame that holds what its sender likes. */
function raw(body: string): Uint8Array {
  const { view, sender, incarnation, counter } = header;
  const head = JSON.stringify([view, sender, incarnation, counter, 0, 1]);
  return new TextEncoder().encode(`\x01\0${head}\n${body}`);
}

function codeOf(open: () => unknown): string | undefined {
  try {
    open();
    return undefined;
  } catch (fault) {
    expect(fault).toBeInstanceOf(WireFault);
    return (fault as WireFault).code;
  }
}

test("every message that a cluster sends reads back as it was, and begins with the version", () => {
  const sent: Message[] = [];
  const cluster = new Cluster({ seed: 3, hosts: 3, vips: 3, mode: "safe", onSend: (message) => sent.push(message) });
  cluster.startAll();
  cluster.settle(8_000);
  cluster.host("B").kill();
  cluster.host("A").command({ do: "drain", host: "A", force: false });
  cluster.run(6_000);
  cluster.host("A").command({ do: "maintenance", on: true, force: false });
  cluster.run(300);
  expect(new Set(sent.map(({ kind }) => kind)).size).toBeGreaterThan(7);
  const opener = new Opener(mac);
  for (const [counter, message] of sent.entries()) {
    const bytes = seal(message, { ...header, counter }, mac);
    expect(bytes[0]).toBe(1);
    expect(opener.open(bytes, header.sender)?.message).toEqual(message);
  }
});

test("without a key a message is read, and a seal is not looked at", () => {
  expect(new Opener(undefined).open(seal(beat, header, undefined), header.sender)).toEqual({
    header,
    parts: 1,
    message: beat,
  });
  expect(new Opener(undefined).open(seal(beat, header, mac), header.sender)?.message).toEqual(beat);
});

test("with a key, no byte of a message can be changed", () => {
  const bytes = seal(beat, header, mac);
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    expect(codeOf(() => new Opener(mac).open(changed, header.sender))).toBeDefined();
  }
});

for (const { claim, bytes, from, code } of [
  { claim: "another's key", bytes: seal(beat, header, keyed("other")), from: header.sender, code: "seal" },
  {
    claim: "no seal where there is a key",
    bytes: seal(beat, header, undefined),
    from: header.sender,
    code: "unsealed",
  },
  { claim: "what another said", bytes: seal(beat, header, mac), from: "#m2#b", code: "sender" },
  { claim: "a version of the future", bytes: seal(beat, header, mac, 2), from: header.sender, code: "version" },
  { claim: "no bytes at all", bytes: new Uint8Array(0), from: header.sender, code: "short" },
  { claim: "a seal cut short", bytes: seal(beat, header, mac).subarray(0, 20), from: header.sender, code: "short" },
])
  test(`is refused: ${claim}`, () => expect(codeOf(() => new Opener(mac).open(bytes, from))).toBe(code));

for (const { claim, version, told } of [
  { claim: "a newer", version: VERSION + 1, told: "of a newer spreadbox: renew this host's" },
  { claim: "an older", version: 0, told: "of an older spreadbox: renew that host's" },
])
  test(`who speaks ${claim} version only is told as that, with what to do`, () => {
    const bytes = seal(beat, header, mac, version);
    expect(() => new Opener(mac).open(bytes, header.sender)).toThrow(told);
  });

test("the same message twice, or an older one, is refused; what a departed member said is forgotten", () => {
  const opener = new Opener(mac);
  opener.open(seal(beat, header, mac), header.sender);
  expect(codeOf(() => opener.open(seal(beat, header, mac), header.sender))).toBe("again");
  expect(codeOf(() => opener.open(seal(beat, { ...header, counter: 11 }, mac), header.sender))).toBe("again");
  opener.enter(["#m2#b"], "#m2#b");
  expect(opener.open(seal(beat, header, mac), header.sender)?.message).toEqual(beat);
});

test("whatever bytes come, they are read or refused with a code, and never more than that", () => {
  const opener = new Opener(undefined);
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json().map(raw),
    fc
      .tuple(
        fc.constantFrom("beat", "state", "table", "answer", "expel", "move"),
        fc.dictionary(fc.string(), fc.jsonValue()),
      )
      .map(([kind, rest]) => raw(JSON.stringify([[], { ...rest, kind }]))),
  );
  fc.assert(
    fc.property(anything, (bytes) => {
      codeOf(() => opener.open(bytes, header.sender));
    }),
    cases(300),
  );
});
