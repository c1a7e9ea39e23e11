import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import * as v from "valibot";
import { importSpreadlogdConf } from "../../lib/logcat/spreadlogd-import.ts";
import { logcatTable } from "../../lib/logcat/table.ts";
import { recordSettingsOf } from "../../lib/logcat/write-table.ts";
import { cases } from "../support/fuzz.ts";

/** Checked as a configuration is; the notes as "line: text". */
function imported(text: string) {
  const { toml, notes } = importSpreadlogdConf(text);
  const table = v.parse(logcatTable.schema, parse(toml)["logcat"] ?? {});
  expect(logcatTable.check!(table)).toEqual([]);
  recordSettingsOf(table);
  return { toml, notes: notes.map(({ line, message }) => `${line}: ${message}`) };
}

const SAMPLE = `# spreadlogd.conf
BufferSize = 65536
Spread {
  Port = 4803
  Log {
    RewriteTimestamp = CommonLogFormat
    Group = "logs1"
    File = /data/logs/100%/common_log
    Match = "combined|[[:digit:]]+"
    Match = "\\.html"
  }
  Log { Group=logs2 File="|/usr/bin/rotatelogs /data/l2 86400" }
  Log {
    Group = logs3
    File = /data/logs/100%/common_log
    RewriteTimestamp = commonlogformat
    Match = "combined|[[:digit:]]+"
    Match = "\\.html"
  }
}
`;

test("a file of today becomes what records the same", () => {
  const { toml, notes } = imported(SAMPLE);
  expect(toml).toBe(`[spread]
servers = ["unix:/tmp/4803"]

# line 5
[[logcat.write]]
groups = ["logs1", "logs3"]
to = "file:/data/logs/100%%/common_log"
format = "raw"
grep = ["combined|[0-9]+", "\\\\.html"]
rewrite_time = "common"
mode = "0644"

# line 12
[[logcat.write]]
groups = ["logs2"]
to = "exec:/usr/bin/rotatelogs /data/l2 86400"
format = "raw"
`);
  expect(notes).toEqual(['2: BufferSize "65536" is left out: messages of any size that a daemon carries are taken']);
});

describe("where the daemon is", () => {
  for (const [said, server] of [
    ["Port = 4805 Host = loghost", "tcp:loghost:4805"],
    ["Port = /var/run/spread", "unix:/var/run/spread"],
    ["", "unix:/tmp/4803"],
    ["Host = loghost", "tcp:loghost:4803"],
  ] as const)
    test(said || "nothing", () =>
      expect(imported(`Spread { ${said} Log { Group = a File = /x } }`).toml).toContain(`servers = ["${server}"]`),
    );
});

describe("every directive, or a note that names it", () => {
  const log = (more: string) => `Spread {\nLog {\nGroup = a\nFile = /x\n${more}\n}\n}`;
  for (const { conf, says } of [
    { conf: "ModuleDir = /m", says: '1: ModuleDir "/m" is left out: modules can\'t be loaded' },
    { conf: "LoadModule online /etc/online.conf", says: '1: LoadModule "online" is left out' },
    { conf: "PerlLib /p\nPerlUse My::Log", says: '2: PerlUse "My::Log" is left out' },
    { conf: "PythonImport m", says: '1: PythonImport "m" is left out' },
    { conf: log("ModuleLog online"), says: '5: ModuleLog "online" is left out' },
    { conf: log("PerlLog f\nPerlHup g"), says: '6: PerlHup "g" is left out' },
    { conf: log("PythonLog f"), says: '5: PythonLog "f" is left out' },
    { conf: log("VhostGroup = a"), says: '5: "VhostGroup" is nothing that Log knows' },
    { conf: log('RewriteTimestamp = "%Q"'), says: "5: RewriteTimestamp: cannot read form of a time" },
    { conf: log('Match = "("'), says: "5: Match: cannot read regular expression" },
    { conf: log("VhostDir = /data/vhosts"), says: "5: VhostDir: all virtual hosts of the group go to one file here" },
    {
      conf: log("}\nLog {\nGroup = b\nFile = /x\nMatch = y"),
      says: "6: left out: file:/x is written by the Log of line 2",
    },
    { conf: "Spread {\nLog { File = /x }\n}", says: "2: this Log has no Group" },
    { conf: "Spread {\nLog { Group = a }\n}", says: "2: this Log has neither File nor VhostDir" },
    { conf: "Spread {\nLog { File = /x\nGroup = }\n}", says: "3: Group has no value" },
    { conf: 'Spread {\nLog { Group = "a b" File = /x }\n}', says: '2: "a b" is no group name' },
    {
      conf: `${log("")}\nSpread { Host = other Log { Group = b File = /y } }`,
      says: "8: another daemon: a recorder follows one",
    },
    { conf: "Spread Log", says: '1: expected "{" behind this' },
    { conf: "Spread {\nPort = 1", says: '1: this block has no end: "}" is missing' },
  ])
    test(says, () => expect(imported(conf).notes.join("\n")).toContain(says));
});

test("whatever the file holds, it is read or told, and what comes out is a configuration", () => {
  const word = fc.constantFrom(
    ...'Spread Log Group File Port Host Match VhostDir RewriteTimestamp BufferSize { } = #x \n /a |b "q\\" "(" g 4803 %'.split(
      " ",
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 6 })), { maxLength: 40 }), (words) => {
      imported(words.join(" "));
    }),
    cases(1_000),
  );
});
