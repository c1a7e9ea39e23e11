import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../../lib/base/fault.ts";
import type { TableSpec } from "../../../lib/base/table.ts";
import { loadConfig } from "../../../lib/config/io/load.ts";
import { FILE_BYTES_MAX } from "../../../lib/config/read.ts";
import { temporaryDirectory } from "../../support/temporary.ts";
import { spreaddTable, syslogdTable, tables } from "../fixture.ts";

interface LoadedBy {
  readonly path?: string;
  readonly env?: Record<string, string>;
  readonly uses?: readonly TableSpec[];
}

/** A directory with these files, and what loading from it gives; paths in messages are relative to it. */
function inDirectory(files: Readonly<Record<string, string>>, prepare: (path: string) => void = () => {}) {
  const directory = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory.path, name)), { recursive: true });
    writeFileSync(join(directory.path, name), text);
  }
  prepare(directory.path);
  const load = ({ path, env = {}, uses = tables }: LoadedBy = {}) =>
    loadConfig({
      tables,
      uses,
      path: path === undefined ? undefined : join(directory.path, path),
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value && join(directory.path, value)])),
      standardPath: join(directory.path, "spreadbox.toml"),
    });
  const refusal = (options: Parameters<typeof load>[0] = {}) => {
    try {
      load(options);
    } catch (failure) {
      if (failure instanceof Fault)
        return {
          kind: failure.kind,
          told: failure.all.map(({ message }) => message.replaceAll(`${directory.path}/`, "")),
        };
      throw failure;
    }
    throw new Error("nothing was refused");
  };
  const read = (options: Parameters<typeof load>[0] = {}) =>
    load(options).files.map((file) => file.replace(`${directory.path}/`, ""));
  return { load, refusal, read, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

const port = (number: number) => `[spreadd]\nport = ${number}\n`;

describe("the file is found", () => {
  test("by --config before $SPREADBOX_CONFIG before the standard place", () => {
    using here = inDirectory({ "spreadbox.toml": port(1), "env.toml": port(2), "flag.toml": port(3) });
    const env = { SPREADBOX_CONFIG: "env.toml" };
    const found = (options: Parameters<typeof here.load>[0]) => here.load(options).table(spreaddTable).port;
    expect([found({ path: "flag.toml", env }), found({ env }), found({ env: { SPREADBOX_CONFIG: "" } })]).toEqual([
      3, 2, 1,
    ]);
  });
  test("with conf.d beside it, by name, of *.toml only", () => {
    using here = inDirectory({
      "sub/main.toml": "",
      "sub/conf.d/20-b.toml": "",
      "sub/conf.d/10-a.toml": port(5),
      "sub/conf.d/README": "not toml",
      "sub/conf.d/.10-a.toml.swp.toml": "not toml",
      "sub/conf.d/dir.toml/x": "",
      "conf.d/not-mine.toml": "not toml",
    });
    expect(here.read({ path: "sub/main.toml" })).toEqual([
      "sub/main.toml",
      "sub/conf.d/10-a.toml",
      "sub/conf.d/20-b.toml",
    ]);
    expect(here.load({ path: "sub/main.toml" }).table(spreaddTable).port).toBe(5);
  });
  test("or is not there, and everything is a default", () => {
    using here = inDirectory({});
    expect(here.load().table(spreaddTable).port).toBe(4803);
  });
  test("or only conf.d is there", () => {
    using here = inDirectory({ "conf.d/a.toml": port(6) });
    expect(here.load().table(spreaddTable).port).toBe(6);
  });
});

describe("a mistake in the table of somebody else", () => {
  const uses = [spreaddTable];
  test("is told, and stops nobody", () => {
    using here = inDirectory({
      "spreadbox.toml": `${port(7)}[syslogd]\nqueu = "1MiB"\n`,
      "conf.d/a.toml": '[[syslogd.rule]]\nto = "nowhere"\n',
    });
    const config = here.load({ uses });
    expect(config.table(spreaddTable).port).toBe(7);
    expect(config.wrongElsewhere.map(({ path }) => path)).toEqual(["syslogd.queu", "syslogd.rule[0].to"]);
    expect(here.refusal().told).toHaveLength(2);
  });
  test("is told beside one that counts", () => {
    using here = inDirectory({ "spreadbox.toml": "[spreadd]\nport = 0\n[syslogd]\nqueu = 1\n" });
    expect(here.refusal({ uses }).told).toHaveLength(2);
  });
  test("counts where the text can't be read, or the table is nobody's", () => {
    for (const text of ["[syslogd]\nqueue = 1MiB\n", "[sylogd]\n", "queue = 1\n", "[syslogd]\nqueue = 2026-01-01\n"]) {
      using here = inDirectory({ "spreadbox.toml": `${text}` });
      expect(here.refusal({ uses }).told).toHaveLength(1);
    }
  });
  test("may be that two files have one setting", () => {
    using here = inDirectory({
      "spreadbox.toml": '[syslogd]\nqueue = "1MiB"\n',
      "conf.d/a.toml": '[syslogd]\nqueue = "2MiB"\n',
    });
    expect(here.load({ uses }).wrongElsewhere).toHaveLength(1);
    expect(here.refusal({ uses: [syslogdTable] }).told).toHaveLength(1);
  });
});

describe("a file that was named", () => {
  test("and is missing is no input", () => {
    using here = inDirectory({});
    expect(here.refusal({ path: "x.toml" })).toEqual({
      kind: "no-input",
      told: ["cannot read x.toml (the main file): no such file"],
    });
    expect(here.refusal({ env: { SPREADBOX_CONFIG: "y.toml" } })).toEqual({
      kind: "no-input",
      told: ["cannot read y.toml (the main file, named by $SPREADBOX_CONFIG): no such file"],
    });
  });
  test("and is a directory is no input", () => {
    using here = inDirectory({ "x.toml/y": "" });
    expect(here.refusal({ path: "x.toml" })).toEqual({
      kind: "no-input",
      told: ["cannot read x.toml (the main file): it is a directory"],
    });
  });
  test("and leads in a circle is no input", () => {
    using here = inDirectory({}, (path) => symlinkSync("x.toml", join(path, "x.toml")));
    expect(here.refusal({ path: "x.toml" })).toEqual({
      kind: "no-input",
      told: ["cannot read x.toml (the main file): its links lead in a circle"],
    });
  });
  test("and is too large is refused before it is read whole", () => {
    using here = inDirectory({ "x.toml": "#".repeat(FILE_BYTES_MAX + 100) });
    expect(here.refusal({ path: "x.toml" }).told).toEqual(["x.toml:1:1: file is too large: more than 4 MiB"]);
  });
});

describe("an include", () => {
  const rule = (to: string) => `[[syslogd.rule]]\nto = "file:/${to}"\n`;
  test("is read behind the file that has it and before conf.d, by name, relative to it", () => {
    using here = inDirectory({
      "main.toml": `include = ["more/*.toml", "one.toml"]\n${rule("main")}`,
      "more/b.toml": rule("b"),
      "more/a.toml": `include = ["deep/x.toml"]\n${rule("a")}`,
      "more/deep/x.toml": rule("x"),
      "one.toml": rule("one"),
      "conf.d/z.toml": rule("z"),
    });
    const { rule: rules } = here.load({ path: "main.toml" }).table(syslogdTable);
    expect(rules.map(({ to }) => to)).toEqual(["main", "a", "x", "b", "one", "z"].map((name) => `file:/${name}`));
  });
  test("of a file that conf.d has a link to is read once", () => {
    using here = inDirectory({ "m.toml": 'include = ["a.toml"]', "a.toml": port(7), "conf.d/x": "" }, (path) =>
      symlinkSync("../a.toml", join(path, "conf.d/a.toml")),
    );
    expect(here.read({ path: "m.toml" })).toEqual(["m.toml", "a.toml"]);
  });
  test("that matches nothing is a mistake, as is one with a wildcard in a directory", () => {
    using here = inDirectory({ "m.toml": 'include = ["more/*.toml", "x.toml",\n "*/a.toml"]' });
    expect(here.refusal({ path: "m.toml" })).toEqual({
      kind: "config",
      told: [
        'm.toml:1:12: include: "more/*.toml" matches no file',
        'm.toml:1:27: include: "x.toml" matches no file',
        'm.toml:2:2: include: found "*/a.toml", expected a file, with * and ? only in its name: "more/*.toml"',
      ],
    });
  });
  test("of a file that is read already is a mistake, and no circle", () => {
    using here = inDirectory({ "m.toml": 'include = ["a.toml"]', "a.toml": '\ninclude = ["m.toml"]' });
    expect(here.refusal({ path: "m.toml" }).told).toEqual([
      'a.toml:2:12: include: "m.toml" matches m.toml, which is read already: the main file',
    ]);
  });
  test("has its own mistakes told with all others'", () => {
    using here = inDirectory({
      "m.toml": 'include = ["a.toml"]\n[spreadd]\nprot = 1',
      "a.toml": "[spreadd]\nport = yes\n",
      "conf.d/c.toml": "[x]",
    });
    expect(here.refusal({ path: "m.toml" }).told).toEqual([
      'm.toml:3:1: spreadd.prot: unknown key "prot"; did you mean "port"?',
      "a.toml:2:8: spreadd.port: found `yes`; did you mean true?",
      'conf.d/c.toml:1:2: x: unknown table "x"; known are [spreadd], [syslogd]',
    ]);
  });
  test("of more files than the bound is refused", () => {
    using here = inDirectory(Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`conf.d/${at}.toml`, ""])));
    expect(here.refusal().told[0]).toEndWith("more than 256 files");
  });
});
