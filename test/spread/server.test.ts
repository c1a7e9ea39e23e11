import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatServer, parseServer, ServerError, tryServer } from "../../lib/spread/server.ts";
import { cases } from "../support/fuzz.ts";

for (const [text, server] of [
  ["", "unix:/tmp/4803"],
  ["4803", "unix:/tmp/4803"],
  ["1", "unix:/tmp/1"],
  ["4803@localhost", "tcp:localhost:4803"],
  ["4804@10.0.0.1", "tcp:10.0.0.1:4804"],
  ["4803@::1", "tcp:[::1]:4803"],
  ["4803@[::1]", "tcp:[::1]:4803"],
  ["4803@fe80::1%eth0", "tcp:[fe80::1%eth0]:4803"],
  ["unix:/run/spreadbox/spread.sock", "unix:/run/spreadbox/spread.sock"],
  ["tcp:db1.example.com:4803", "tcp:db1.example.com:4803"],
  ["tcp:db1", "tcp:db1:4803"],
  ["tcp:[::1]:5000", "tcp:[::1]:5000"],
  ["tcp:[::1]", "tcp:[::1]:4803"],
  ["tls:db1:4810", "tls:db1:4810"],
  ["tls:[::1]", "tls:[::1]:4804"],
] as const)
  test(`${JSON.stringify(text)} is ${server}`, () => {
    const parsed = parseServer(text);
    expect(formatServer(parsed)).toBe(server);
    expect(parseServer(formatServer(parsed))).toEqual(parsed);
  });

for (const [text, why] of [
  ["localhost", "expected a daemon such as"],
  ["4803x", "expected"],
  ["@host", "a port is a number"],
  ["0", "a port is a number from 1 to 65535"],
  ["99999", "a port is a number from 1 to 65535"],
  ["4803@", "expected"],
  ["4803@a b", "expected"],
  ["4803@[host]", "brackets are for IPv6"],
  ["unix:relative", "begins with /"],
  [`unix:/${"x".repeat(107)}`, "at most 107 bytes"],
  ["unix:/a\0b", "no NUL"],
  ["tcp:", "expected"],
  ["tcp:::1:4803", "needs brackets"],
  ["tcp:host:", "a port is a number"],
  ["tcp:host:70000", "a port is a number"],
  ["tls:::1:4804", "needs brackets"],
] as const)
  test(`${JSON.stringify(text)} is refused: ${why}`, () => {
    expect(() => parseServer(text)).toThrow(ServerError);
    expect(() => parseServer(text)).toThrow(why);
    expect(tryServer(text)).toBeUndefined();
  });

test("any text is a server that is written and read again, or a ServerError", () => {
  const part = fc.constantFrom(
    "4803",
    "@",
    "[",
    "]",
    ":",
    "::1",
    "tcp:",
    "unix:/",
    "tls:",
    "host",
    "65536",
    "%",
    " ",
    "é",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part, { maxLength: 6 }).map((parts) => parts.join("")),
      ),
      (text) => {
        const server = tryServer(text);
        if (server !== undefined) expect(parseServer(formatServer(server))).toEqual(server);
      },
    ),
    cases(3_000),
  );
});
