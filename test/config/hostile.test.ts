// Whatever a config file holds, it gives a configuration or a fault with its mistakes, each on one line and with a place that is in the file.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../lib/base/fault.ts";
import { buildConfig } from "../../lib/config/config.ts";
import { ConfigError } from "../../lib/config/config-error.ts";
import { readSource } from "../../lib/config/read.ts";
import { starterText, uncommented } from "../../lib/config/starter.ts";
import { cases } from "../support/fuzz.ts";
import { tables } from "./fixture.ts";
import { tomlDocument } from "./toml-document.ts";

const REAL = `\
include = ["more/*.toml"]
override = ["spreadd.port", 'syslogd."sets".web']
[spreadd]
name = "web1" # the host
port = 4803
session_timeout = "10s"
allow = ["127.0.0.0/8", '10.0.0.0/8',
  "2001:db8::/32",
]
limits = { sessions_max = 100, groups_max = 5_000 }
[[syslogd.rule]]
select = "mail.info"
to = "file:/var/log/mail"
[[syslogd.rule]]
to = """group:log.
%facility%"""
stop = true
[[syslogd.source]]
kind = "udp"
[syslogd.sets]
web = ["www1", "www2"]
`;

/** Reads the files as one configuration. Anything thrown but a fault is a bug, and so is a mistake told badly. */
function digest(files: readonly Uint8Array[]): "right" | "refused" {
  const sources = files.map((bytes, at) => readSource(bytes, `${at}.toml`));
  try {
    buildConfig(sources, tables);
    return "right";
  } catch (failure) {
    if (!(failure instanceof Fault)) throw failure;
    expect(failure.all.length).toBeGreaterThan(0);
    for (const one of failure.all) {
      expect(one.message).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028\u2029]/);
      if (!(one instanceof ConfigError)) continue;
      const lines = new TextDecoder().decode(files[Number.parseInt(one.file, 10)]).split("\n");
      expect(one.line).toBeLessThanOrEqual(lines.length);
      expect(one.column).toBeLessThanOrEqual(lines[one.line - 1]!.length + 1);
    }
    return "refused";
  }
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const seen = { right: 0, refused: 0 };
const take = (...files: Uint8Array[]) => void seen[digest(files)]++;

test("random bytes and random text", () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.string({ unit: "binary", maxLength: 60 }).map(bytesOf));
  fc.assert(
    fc.property(bytes, (one) => take(one)),
    cases(6_000),
  );
});

test("text made of pieces of TOML", () => {
  const piece = fc.constantFrom(
    ..."[ ] { } = . , ' \" # \\ \n 1 a - _ : + 0x 1e9 inf nan true [[ ]] \"\"\" ''' \\u00e9 \t \r\n".split(" "),
    ..."spreadd syslogd port name rule to allow limits sets kind include override __proto__ constructor 1979-05-27 07:32:00".split(
      " ",
    ),
    "spreadd.port = ",
    "[spreadd]\n",
    "[[syslogd.rule]]\n",
    'to = "file:/x"\n',
    "\n",
    "\n",
    " = ",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => take(bytesOf(pieces.join("")))),
    cases(8_000),
  );
});

test("a real configuration with bytes changed, cut out, doubled and put in", () => {
  const original = [REAL, uncommented(starterText(tables))].map(bytesOf);
  const change = fc.record({
    at: fc.nat(2_000),
    drop: fc.nat(6),
    put: fc.oneof(
      fc.string({ maxLength: 4 }),
      fc.constantFrom("\n", '"', "[", "]]", "= ", "#", "}", "\xff", "[spreadd]\n"),
    ),
  });
  fc.assert(
    fc.property(fc.nat(1), fc.array(change, { minLength: 1, maxLength: 4 }), (which, changes) => {
      let bytes = original[which]!;
      for (const { at, drop, put } of changes) {
        const from = at % bytes.length;
        bytes = Uint8Array.from([...bytes.subarray(0, from), ...bytesOf(put), ...bytes.subarray(from + drop)]);
      }
      take(bytes);
    }),
    cases(6_000),
  );
});

test("values of any type at keys that exist, in one or two files", () => {
  const path = fc.constantFrom(
    "spreadd",
    "spreadd.port",
    "spreadd.allow",
    "spreadd.limits",
    "spreadd.limits.sessions_max",
    "syslogd.rule",
    "syslogd.source",
    "syslogd.sets",
    "syslogd.sets.web",
    "syslogd.queue",
    "include",
    "override",
    "x",
  );
  const value = fc.constantFrom(
    "1",
    "-1.5",
    "true",
    '""',
    '"file:/x"',
    '"\\u0000\\u001b"',
    "[]",
    "[[]]",
    "{}",
    "[{}]",
    '[{ to = "file:/x" }]',
    '[{ kind = "udp" }, { kind = 1 }]',
    '["spreadd.port"]',
    "{ a = { b = [1] } }",
    "inf",
    "1979-05-27",
    "9e999",
  );
  const file = fc
    .array(fc.tuple(path, value), { maxLength: 4 })
    .map((pairs) => bytesOf(pairs.map(([key, written]) => `${key} = ${written}\n`).join("")));
  fc.assert(
    fc.property(file, file, (one, other) => take(one, other)),
    cases(6_000),
  );
});

test("random documents that are right TOML, alone and merged with the real one", () => {
  fc.assert(
    fc.property(tomlDocument, fc.boolean(), (text, merged) => take(...(merged ? [bytesOf(REAL)] : []), bytesOf(text))),
    cases(2_000),
  );
});

test("of all these some were right, and most were not", () => {
  expect(digest([bytesOf(REAL.replace(/^(include|override).*\n/gm, ""))])).toBe("right");
  expect(seen.right).toBeGreaterThan(100);
  expect(seen.refused).toBeGreaterThan(10_000);
});
