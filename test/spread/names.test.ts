import { describe, expect, test } from "bun:test";
import { isName, nameBytes, nameField, readName, writeName } from "../../lib/spread/name-field.ts";
import {
  isDestination,
  isGroupName,
  isPrivateGroup,
  NameError,
  parseDaemonName,
  parseDestination,
  parseGroupName,
  parsePrivateGroup,
  parsePrivateName,
  privateGroup,
  splitPrivateGroup,
  tryGroupName,
} from "../../lib/spread/names.ts";

const byteNames = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

test("names are made of the bytes 0x24 to 0x7e, and no others", () => {
  const legal = byteNames.filter(isGroupName);
  expect(legal.join("")).toBe(
    String.fromCharCode(...Array.from({ length: 0x7e - 0x24 + 1 }, (_, index) => 0x24 + index)),
  );
});

for (const [what, parse, most] of [
  ["a group name", parseGroupName, 31],
  ["a private name", parsePrivateName, 10],
  ["a daemon name", parseDaemonName, 19],
] as const) {
  test(`${what} has 1 to ${most} characters`, () => {
    expect(parse("x".repeat(most)) as string).toHaveLength(most);
    for (const wrong of ["", "x".repeat(most + 1), "a b", "a#b", "ä", "a\0"])
      expect(() => parse(wrong)).toThrow(NameError);
  });
}

describe("private groups", () => {
  for (const group of ["#a#b", "#0123456789#0123456789012345678"])
    test(`${group} is one`, () => {
      expect(isPrivateGroup(group)).toBe(true);
      expect(isDestination(group)).toBe(true);
      expect(isGroupName(group)).toBe(false);
    });

  for (const wrong of [
    "",
    "#",
    "##",
    "#a",
    "#a#",
    "##b",
    "a#b",
    "#a#b#",
    "#a#b#c",
    "#01234567890#b",
    "#a#01234567890123456789",
    "#a b#c",
  ])
    test(`${JSON.stringify(wrong)} is none`, () => {
      expect(isPrivateGroup(wrong)).toBe(false);
      expect(() => parsePrivateGroup(wrong)).toThrow(NameError);
    });

  test("is made of a name and a daemon, and falls into them again", () => {
    const group = privateGroup(parsePrivateName("alice"), parseDaemonName("db1"));
    expect(group as string).toBe("#alice#db1");
    expect(splitPrivateGroup(group)).toEqual({ name: "alice", daemon: "db1" } as never);
  });
});

test("a wrong name says what it is and what is expected", () => {
  expect(() => parseGroupName("a b")).toThrow(
    'cannot use "a b" as group name: expected a group name: 1 to 31 characters',
  );
  expect(() => parseDestination("#a")).toThrow('cannot use "#a" as destination');
  expect(tryGroupName("a b")).toBeUndefined();
});

describe("name fields", () => {
  test("any 31 bytes without a NUL come back as they were", () => {
    for (const byte of byteNames.slice(1)) {
      const name = byte.repeat(31);
      expect(readName(nameField(name), 0)).toBe(name);
    }
  });

  test("are cut at the first NUL, whatever stands behind", () => {
    const bytes = new Uint8Array(40).fill(0x78);
    bytes.set([0x61, 0x62, 0], 4);
    expect(readName(bytes, 4)).toBe("ab");
    expect(nameBytes(bytes, 4)).toBe(2);
    expect(isName(bytes, 4, nameField("ab"))).toBe(true);
    expect(isName(bytes, 4, nameField("abx"))).toBe(false);
    expect(isName(bytes, 4, nameField("a"))).toBe(false);
  });

  test("without a NUL have 32 bytes", () => {
    expect(nameBytes(new Uint8Array(32).fill(0x78), 0)).toBe(32);
    expect(readName(new Uint8Array(32).fill(0x78), 0)).toHaveLength(32);
  });

  test("writing overwrites all 32 bytes and keeps a NUL", () => {
    const bytes = new Uint8Array(33).fill(0xff);
    expect(writeName(bytes, 0, "y".repeat(40))).toBe(32);
    expect(readName(bytes, 0)).toBe("y".repeat(31));
    expect([bytes[31], bytes[32]]).toEqual([0, 0xff]);
  });
});
