// [[syslogd.sink]]: which sinks an entry is for, and what is said of one that can't be meant.
import { describe, expect, test } from "bun:test";
import { Fault } from "../../lib/base/fault.ts";
import { buildConfig } from "../../lib/config/config.ts";
import { readText } from "../../lib/config/read.ts";
import { parseDestination } from "../../lib/syslogd/destination.ts";
import { fits, keysOf, spoolOf } from "../../lib/syslogd/sink-settings.ts";
import { sinkEntriesOf } from "../../lib/syslogd/sink-table.ts";
import { syslogdTable } from "../../lib/syslogd/table.ts";

const read = (text: string) => buildConfig([readText(text, "f")], [syslogdTable]).table(syslogdTable);

function mistakesIn(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    if (error instanceof Fault) return error.all.map(({ message }) => message);
    throw error;
  }
}

const RULES = ["file:/var/log/a", "tcp:loghost:601", "group:log.%app%"]
  .map((to) => `[[syslogd.rule]]\nselect = "*.*"\nto = "${to}"\n`)
  .join("");

test("a pattern is for the sinks whose names it fits, and * stands for anything", () => {
  for (const [pattern, name, isFor] of [
    ["file:*", "file:/var/log/a", true],
    ["file:/var/*.log", "file:/var/log/a.log", true],
    ["file:/var/*.log", "file:/var/log/axlog", false],
    ["users:*", "users:*", true],
    ["*", "console", true],
    ["tcp:*", "tls:loghost:6514", false],
  ] as const)
    expect([pattern, name, fits(pattern, name)]).toEqual([pattern, name, isFor]);
});

test("what a later entry says goes before what an earlier one says, key by key", () => {
  const table = read(
    `${RULES}[[syslogd.sink]]\nof = "file:*"\nsync = "each"\nmode = "0600"\n[[syslogd.sink]]\nof = "file:/var/log/a"\nsync = "1s"\n`,
  );
  const keys = keysOf(parseDestination("file:/var/log/a"), { entries: sinkEntriesOf(table) });
  expect(keys).toEqual({ sync: { everyMs: 1_000 }, mode: 0o600 });
});

test("sinks to other hosts and to groups spool unless told not to, and others where told to", () => {
  expect(spoolOf("tcp", {}, "/s")?.bytesMax).toBe(256 << 20);
  expect(spoolOf("group", {}, "/s")?.whenFull).toBe("drop-oldest");
  expect(spoolOf("program", {}, "/s")).toBeUndefined();
  expect(spoolOf("program", { spool: 1_000 }, "/s")?.bytesMax).toBe(1_000);
  expect(spoolOf("tls", { spool: 0 }, "/s")).toBeUndefined();
  expect(spoolOf("tls", {}, "")).toBeUndefined();
});

describe("a mistake is told:", () => {
  test("a spool without a directory", () => {
    const found = mistakesIn(
      `[syslogd]\nspool_directory = ""\n${RULES}[[syslogd.sink]]\nof = "tcp:*"\nspool = "1GiB"\n`,
    );
    expect(found.join("\n")).toContain('nothing can be kept on disk: spool_directory is ""');
  });

  for (const { entry, says } of [
    {
      entry: 'of = "tcp:loghost"\nrotate_size = "1MiB"',
      says: '"rotate_size" is for file, these are sinks of kind tcp',
    },
    {
      entry: 'of = "tcp:logghost"\nqueue = "1MiB"',
      says: 'no rule sends anything to tcp:logghost:601; did you mean "tcp:loghost:601"?',
    },
    { entry: 'of = "tpc:*"', says: 'unknown sink "tpc:*"' },
    { entry: 'of = "tls:*"\nkey = "/k"', says: '"key" is of use together with "certificate" only' },
    {
      entry: 'of = "file:/var/log/a"\nrotate_keep = 3',
      says: '"rotate_keep" needs "rotate_size" or "rotate_age" beside it',
    },
    { entry: 'of = "group:log.%app%"\nspool = "1MiB"', says: 'all groups have one queue: say "spool" of "group:*"' },
    { entry: 'of = "file:*"\nsync = "always"', says: 'expected "never", "each" or a duration' },
    { entry: 'of = "file:*"\nowner = "a:b:c"', says: "expected a user, or a user and a group" },
    { entry: 'of = "file:*"\nsync_severity = "bad"', says: "expected a severity" },
  ])
    test(says, () => {
      expect(mistakesIn(`${RULES}[[syslogd.sink]]\n${entry}\n`).join("\n")).toContain(says);
    });
});
