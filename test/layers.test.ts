// The design's layers, enforced by reading the imports: rooms import only what lies below them, and what is not an edge is pure.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Glob } from "bun";
import { projectRoot } from "./support/binary.ts";

/** From the bottom up; rooms of one floor do not import each other. */
const FLOORS: readonly (readonly string[])[] = [
  ["base"],
  ["linux"],
  ["run"],
  ["cli", "config", "spread", "control"],
  ["syslog"],
  ["feed"],
  ["sink"],
  ["archive"],
  ["spreadd", "syslogd", "logcat", "mole", "probe"],
  ["cluster", "packaging"],
];

interface Source {
  /** Path from the project's root. */
  readonly path: string;
  readonly text: string;
}

const sources: readonly Source[] = [...new Glob("{lib,cmd}/**/*.ts").scanSync(projectRoot)]
  .sort()
  .map((path) => ({ path, text: readFileSync(join(projectRoot, path), "utf8") }));

function importsOf({ text }: Source): string[] {
  const found = withoutComments(text).matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']/g);
  return [...found].map((match) => match[1]!);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1");
}

const roomOf = (path: string) => path.split("/")[1]!;
const floorOf = (room: string) => FLOORS.findIndex((rooms) => rooms.includes(room));
const isEdge = (path: string) => path.startsWith("cmd/") || /^lib\/(?:linux|run)\//.test(path) || path.includes("/io/");

/** Every import between rooms: from which file to which file. */
function* arrows() {
  for (const source of sources) {
    for (const target of importsOf(source)) {
      if (target.startsWith("."))
        yield { from: source.path, to: relative(projectRoot, join(projectRoot, dirname(source.path), target)) };
    }
  }
}

/** What a file says that only an edge may say. */
function impurities(source: Source): string[] {
  const modules = importsOf(source).filter((name) => /^(?:node:|bun$|bun:)/.test(name));
  // Strings go as well: "process" in a help text is no use of `process`. Template literals keep their code.
  const code = withoutComments(source.text).replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
  const words = [
    ...code.matchAll(
      /(?<![.\w#])(?:Bun|Date|process|performance|console|crypto|fetch|setTimeout|setInterval|setImmediate|queueMicrotask)(?=\s*[.(])|new Date\b|Math\.random/g,
    ),
  ];
  return [...modules, ...words.map(([word]) => word)];
}

test("every room of lib is on a floor of the design", () => {
  const unknown = [
    ...new Set(sources.filter(({ path }) => path.startsWith("lib/")).map(({ path }) => roomOf(path))),
  ].filter((room) => floorOf(room) < 0);
  expect(unknown).toEqual([]);
});

test("imports between rooms point down, and never into cmd", () => {
  const wrong: string[] = [];
  for (const { from, to } of arrows()) {
    if (from.startsWith("cmd/")) continue;
    const allowed =
      to.startsWith("lib/") && (roomOf(to) === roomOf(from) || floorOf(roomOf(to)) < floorOf(roomOf(from)));
    if (!allowed) wrong.push(`${from} imports ${to}`);
  }
  expect(wrong).toEqual([]);
});

test("a pure file imports no edge, but as a type", () => {
  const wrong: string[] = [];
  for (const source of sources.filter(({ path }) => !isEdge(path))) {
    // The public barrel of the client offers its edges to others; it runs nothing itself.
    if (source.path === "lib/spread/index.ts") continue;
    const values = withoutComments(source.text).replace(/\b(?:import|export)\s+type\b[^;]*;/g, "");
    for (const target of importsOf({ path: source.path, text: values })) {
      if (/(?:^|\/)io\/|\/linux\/|\/run\//.test(target)) wrong.push(`${source.path} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("outside io, linux, run and cmd nothing touches a clock, chance, a timer, the console or the process", () => {
  const wrong = sources
    .filter(({ path }) => !isEdge(path))
    .flatMap((source) => impurities(source).map((found) => `${source.path}: ${found}`));
  expect(wrong).toEqual([]);
});

test("only lib/spread/index.ts is a barrel", () => {
  const wrong = sources.filter(
    ({ path, text }) => /^export (?:\*|\{[^}]*\} from)/m.test(text) && path !== "lib/spread/index.ts",
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

for (const { claim, code, finds } of [
  { claim: "a clock", code: "const now = Date.now();", finds: ["Date"] },
  { claim: "chance", code: "const n = Math.random();", finds: ["Math.random"] },
  { claim: "a system module", code: 'import { readFileSync } from "node:fs";', finds: ["node:fs"] },
  { claim: "nothing in a comment or a string", code: '// process.exit()\nconst text = "process.exit()";', finds: [] },
  { claim: "nothing in a property of that name", code: "const at = facts.process.name;", finds: [] },
]) {
  test(`the purity check finds ${claim}`, () =>
    expect(impurities({ path: "lib/base/x.ts", text: code })).toEqual(finds));
}
