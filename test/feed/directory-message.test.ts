import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  DIRECTORY_BODY_BYTES_MAX,
  DirectoryError,
  type FedGroup,
  GroupsWriter,
  isFullName,
  isPattern,
  PATTERNS_MAX,
  readDirectoryMessage,
  writeQuestion,
} from "../../lib/feed/directory-message.ts";
import { cases } from "../support/fuzz.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (body: Uint8Array) => readDirectoryMessage(body, 0, body.length);

describe("what is said in the directory", () => {
  test("a question: a line a pattern", () => {
    const body = writeQuestion(["log.*", "www.?"]);
    expect(new TextDecoder().decode(body)).toBe("sb1 ask\nlog.*\nwww.?\n");
    expect(read(body)).toEqual({ kind: "ask", patterns: ["log.*", "www.?"] });
  });

  test("groups: a line a group, with the number of its last record where that is known", () => {
    const writer = new GroupsWriter("web1", "m2x4k9");
    const groups: FedGroup[] = [
      { name: "log.mail", last: 17 },
      { name: "www.über uns.example", last: 0 },
      { name: "raw", last: undefined },
    ];
    for (const group of groups) writer.append(group);
    const body = writer.take();
    expect(new TextDecoder().decode(body)).toBe("sb1 groups web1 m2x4k9\n17 log.mail\n0 www.über uns.example\n- raw\n");
    expect(read(body)).toEqual({ kind: "groups", host: "web1", incarnation: "m2x4k9", groups });
    expect(writer.isEmpty).toBe(true);
  });

  test("is read where it lies", () => {
    const body = bytes("xxsb1 ask\n*yy");
    expect(readDirectoryMessage(body, 2, body.length - 2)).toEqual({ kind: "ask", patterns: ["*"] });
  });

  for (const { name, body, code } of [
    { name: "nothing", body: "", code: "head" },
    { name: "text of somebody", body: "hello", code: "head" },
    { name: "a later version, whatever follows", body: "sb2 \u0001", code: "newer" },
    { name: "neither a question nor groups", body: "sb1 mark 1 1", code: "head" },
    { name: "groups of nobody", body: "sb1 groups\n", code: "head" },
    { name: "a host that is none", body: "sb1 groups h\u00e4 a\n", code: "head" },
    { name: "an incarnation that is none", body: "sb1 groups h a-b\n", code: "head" },
    { name: "a word too many", body: "sb1 groups h a b\n", code: "head" },
    { name: "a number that is none", body: "sb1 groups h a\n01 x\n", code: "group" },
    { name: "a number beyond all", body: "sb1 groups h a\n9007199254740991 x\n", code: "group" },
    { name: "a group without a number", body: "sb1 groups h a\nlog.mail\n", code: "group" },
    { name: "a group without a name", body: "sb1 groups h a\n1 \n", code: "group" },
    { name: "a name that drives a terminal", body: "sb1 groups h a\n1 x\u001b[2J\n", code: "group" },
    { name: "a name that is too long", body: `sb1 groups h a\n1 ${"x".repeat(513)}\n`, code: "group" },
    { name: "a pattern that is empty", body: "sb1 ask\n\n*\n", code: "pattern" },
    { name: "a pattern that is too long", body: `sb1 ask\n${"x".repeat(256)}\n`, code: "pattern" },
    { name: "patterns too many", body: `sb1 ask\n${"*\n".repeat(PATTERNS_MAX + 1)}`, code: "pattern" },
    { name: "patterns too long in all", body: `sb1 ask\n${`${"x".repeat(200)}\n`.repeat(6)}`, code: "pattern" },
    { name: "more than any of ours", body: `sb1 ask\n${"x".repeat(DIRECTORY_BODY_BYTES_MAX)}`, code: "size" },
  ])
    test(`refused: ${name}`, () => {
      expect(() => read(bytes(body))).toThrow(expect.objectContaining({ name: "DirectoryError", code }));
    });

  test("a message is full before a daemon would refuse it", () => {
    const writer = new GroupsWriter("h", "a");
    let count = 0;
    while (writer.append({ name: `${count}`.padEnd(512, "ü").slice(0, 256), last: count })) count += 1;
    const body = writer.take();
    expect(body.length).toBeLessThanOrEqual(DIRECTORY_BODY_BYTES_MAX);
    expect(read(body)).toMatchObject({ groups: { length: count } });
  });

  test("whatever can be written is read as it was; whatever else comes is refused by a typed error", () => {
    const name = fc.string({ unit: "binary", minLength: 1, maxLength: 60 }).filter(isFullName);
    const last = fc.option(
      fc.maxSafeNat().filter((n) => n < Number.MAX_SAFE_INTEGER),
      { nil: undefined },
    );
    fc.assert(
      fc.property(fc.array(fc.record({ name, last }), { maxLength: 20 }), (groups) => {
        const writer = new GroupsWriter("h", "a");
        for (const group of groups) writer.append(group);
        expect(read(writer.take())).toEqual({ kind: "groups", host: "h", incarnation: "a", groups });
      }),
      cases(300),
    );
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.string({ unit: "binary", maxLength: 60 }).map((rest) => bytes(`sb1 groups h a\n${rest}`)),
      fc.string({ unit: "binary", maxLength: 60 }).map((rest) => bytes(`sb1 ask\n${rest}`)),
    );
    fc.assert(
      fc.property(hostile, (body) => {
        try {
          const message = read(body);
          if (message.kind === "ask") expect(message.patterns.every(isPattern)).toBe(true);
          else expect(message.groups.every((group) => isFullName(group.name))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DirectoryError);
        }
      }),
      cases(3_000),
    );
  });
});
