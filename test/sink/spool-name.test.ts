import { expect, test } from "bun:test";
import fc from "fast-check";
import { spoolDirectoryName } from "../../lib/sink/spool-name.ts";
import { cases } from "../support/fuzz.ts";

test("a spool's directory says whose it is, and never changes", () => {
  // FNV-1a's own vector: "a" is e40c292c
  expect(spoolDirectoryName("a")).toBe("a-e40c292c");
  expect(spoolDirectoryName("tcp:loghost:601")).toMatch(/^tcp_loghost_601-[0-9a-f]{8}$/);
  expect(spoolDirectoryName("group:*")).not.toBe(spoolDirectoryName("group:?"));
});

test("whatever a sink is called, its directory is one name that every file system takes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (name) => {
      expect(spoolDirectoryName(name)).toMatch(/^(?!\.)[A-Za-z0-9._-]{9,69}$/);
    }),
    cases(200),
  );
});
