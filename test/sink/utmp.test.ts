import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readUtmp, terminalsOf } from "../../lib/sink/utmp.ts";
import { cases } from "../support/fuzz.ts";
import { utmpRecord } from "./utmp-record.ts";

describe("of a utmp file", () => {
  for (const { name, bytes, logins } of [
    { name: "nothing is nobody", bytes: new Uint8Array(0), logins: [] },
    {
      name: "a login is a user and a line",
      bytes: utmpRecord(7, "amy", "pts/3"),
      logins: [{ user: "amy", line: "pts/3" }],
    },
    { name: "one that has ended is passed over", bytes: utmpRecord(8, "amy", "pts/3"), logins: [] },
    { name: "a boot is no login", bytes: utmpRecord(2, "reboot", "~"), logins: [] },
    {
      name: "a name of 32 letters needs no NUL",
      bytes: utmpRecord(7, "a".repeat(32), "tty1"),
      logins: [{ user: "a".repeat(32), line: "tty1" }],
    },
    { name: "a display is no terminal", bytes: utmpRecord(7, "amy", ":0"), logins: [] },
    { name: "a line that leads out of /dev is none", bytes: utmpRecord(7, "eve", "../etc/motd"), logins: [] },
    { name: "an absolute line is none", bytes: utmpRecord(7, "eve", "/etc/motd"), logins: [] },
    { name: "a record that is cut off is none", bytes: utmpRecord(7, "amy", "pts/3").subarray(0, 383), logins: [] },
  ])
    test(name, () => expect(readUtmp(bytes)).toEqual(logins));
});

test("terminals are those of the users named, or of all, each once", () => {
  const logins = [
    { user: "amy", line: "pts/1" },
    { user: "bob", line: "pts/2" },
    { user: "amy", line: "tty1" },
    { user: "amy", line: "pts/1" },
  ];
  expect(terminalsOf(logins, ["amy"])).toEqual(["pts/1", "tty1"]);
  expect(terminalsOf(logins, "all")).toEqual(["pts/1", "pts/2", "tty1"]);
  expect(terminalsOf(logins, ["carl"])).toEqual([]);
});

test("whatever a utmp file holds, no line leaves /dev", () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(bytes, fc.string(), (line, user) => {
      const record = utmpRecord(7, user, "");
      record.set(line, 8);
      for (const login of readUtmp(record)) expect(login.line).toMatch(/^(?!.*(?:^|\/)\.\.?(?:\/|$))[\w./-]+$/);
    }),
    cases(500),
  );
});
