import { describe, expect, test } from "bun:test";
import { allSettings, type Effective } from "../../lib/config/effective.ts";
import { formatPath } from "../../lib/config/key-path.ts";
import { readText } from "../../lib/config/read.ts";
import { showTable, tableFacts } from "../../lib/config/show.ts";
import { configOf, spreaddTable, syslogdTable, tables } from "./fixture.ts";

const files = {
  "/etc/a.toml":
    '[spreadd]\nname = "web\\u001b"\nlimits.sessions_max = 10\n[[syslogd.rule]]\nto = "file:/x"\n[syslogd.sets]\n"a b" = ["x", "y"]\n',
  "/etc/conf.d/b.toml":
    '\n[spreadd]\nport = 1234\n[[syslogd.rule]]\nto = "group:y"\nstop = true\n[[syslogd.source]]\nkind = "udp"\n',
};

test("the configuration in effect is TOML that says where each value comes from", () => {
  const config = configOf(files);
  expect(`${showTable(config.effective(spreaddTable))}\n${showTable(config.effective(syslogdTable))}`).toBe(`\
[spreadd]
name = "web\\u001b"                     # /etc/a.toml:2
port = 1234                            # /etc/conf.d/b.toml:3
socket = "/run/spreadbox/spread.sock"  # default
session_timeout = "10s"                # default
queue = "4MiB"                         # default
engine = "local"                       # default
tcp = true                             # default
allow = ["127.0.0.0/8"]                # default

[spreadd.limits]
sessions_max = 10  # /etc/a.toml:3

[syslogd]
queue = "1MiB"  # default

[[syslogd.rule]]
select = "*.*"  # default
to = "file:/x"  # /etc/a.toml:5
stop = false    # default

[[syslogd.rule]]
select = "*.*"  # default
to = "group:y"  # /etc/conf.d/b.toml:5
stop = true     # /etc/conf.d/b.toml:6

[[syslogd.source]]
kind = "udp"  # /etc/conf.d/b.toml:8
port = 514    # default

[syslogd.sets]
"a b" = ["x", "y"]  # /etc/a.toml:7
`);
});

test("what is shown, read again, is in effect the same", () => {
  const config = configOf(files);
  const again = configOf({ "shown.toml": tables.map((spec) => showTable(config.effective(spec))).join("\n") });
  for (const spec of tables) expect(again.table(spec)).toEqual(config.table(spec));
});

test("for programs there are the values, and where each comes from", () => {
  const facts = tableFacts(configOf(files).effective(syslogdTable));
  expect(facts.values).toEqual({
    queue: "1MiB",
    rule: [
      { select: "*.*", to: "file:/x", stop: false },
      { select: "*.*", to: "group:y", stop: true },
    ],
    source: [{ kind: "udp", port: 514 }],
    sets: { "a b": ["x", "y"] },
  });
  expect(facts.from["syslogd.rule[1].to"]).toEqual({ file: "/etc/conf.d/b.toml", line: 5, column: 6 });
  expect(facts.from["syslogd.rule[1].select"]).toBe("default");
});

test("every setting in effect comes from where it is written, or is a default", () => {
  const config = configOf(files);
  const settings = (spec: (typeof tables)[number]) => allSettings(config.effective(spec) as Effective);
  for (const { path, value, place } of tables.flatMap(settings)) {
    if (place === undefined) continue;
    const line = files[place.file as keyof typeof files].split("\n")[place.line - 1]!;
    expect([formatPath(path), readText(`x = ${line.slice(place.column - 1)}`, "x").table["x"]]).toEqual([
      formatPath(path),
      value,
    ]);
  }
});

describe("a default", () => {
  test("is shown as one would write it, not as the schema reads it", () => {
    const { settings } = configOf({}).effective(spreaddTable);
    expect(settings.find(({ path }) => path.at(-1) === "session_timeout")?.value).toBe("10s");
  });
  test("is not invented for what nothing stands for", () => {
    const { tables: inner } = configOf({}).effective(spreaddTable);
    expect(inner.flatMap(allSettings).map(({ path }) => path.at(-1))).toEqual(["sessions_max"]);
  });
});
