import { describe, expect, test } from "bun:test";
import { parseDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { dispatch, UsageFault } from "../../lib/cli/dispatch.ts";

const feed = defineCommand({
  name: "feed",
  summary: "feeds a group",
  positionals: [
    { name: "GROUP", about: "the group", required: true },
    { name: "FILE", about: "what to send", many: true },
  ],
  flags: {
    rate: { type: "value", short: "r", about: "messages a second" },
    wait: { type: "value", about: "how long", read: parseDuration },
    spread: { type: "list", short: "s", about: "a daemon" },
    quiet: { type: "switch", short: "q", about: "say nothing" },
    order: { type: "value", about: "which order", choices: ["agreed", "fifo"] },
  },
  json: true,
  run: async () => 0,
});
const ping = defineCommand({ name: "ping", summary: "pings", run: async () => 0 });
const wrap = defineCommand({
  name: "wrap",
  summary: "runs a command",
  passThrough: true,
  flags: { quiet: { type: "switch", about: "say nothing" } },
  run: async () => 0,
});
const exitCodes = defineCommand({ name: "exit-codes", summary: "statuses", run: async () => 0 });
const help = defineCommand({ name: "help", summary: "topics", commands: [exitCodes] });
const probe = defineCommand({ name: "probe", summary: "looks", commands: [ping] });
const reload = defineCommand({ name: "reload", summary: "again", run: async () => 0 });
const serve = defineCommand({
  name: "serve",
  summary: "serves, until told otherwise",
  flags: { loud: { type: "switch", about: "more" } },
  commands: [reload],
  run: async () => 0,
});
const show = defineCommand({
  name: "show",
  summary: "shows groups, and has a word of its own",
  positionals: [{ name: "GROUP", about: "the group", many: true }],
  commands: [reload],
  run: async () => 0,
});
const root = defineCommand({ name: "box", summary: "all", commands: [feed, probe, wrap, help, serve, show] });

const decide = (line: string, argv0 = "/usr/bin/box") =>
  dispatch(
    root,
    argv0,
    line.split(" ").filter((word) => word !== ""),
  );

function refusal(line: string, argv0?: string): UsageFault {
  try {
    decide(line, argv0);
  } catch (error) {
    if (error instanceof UsageFault) return error;
    throw error;
  }
  throw new Error(`accepted: ${line}`);
}

describe("which command is meant", () => {
  for (const { line, argv0, path } of [
    { line: "feed g", path: ["box", "feed"] },
    { line: "g", argv0: "/opt/feed", path: ["feed"] },
    { line: "g", argv0: "feed", path: ["feed"] },
    { line: "probe ping", path: ["box", "probe", "ping"] },
    { line: "ping", argv0: "probe", path: ["probe", "ping"] },
    { line: "feed g", argv0: "/tmp/renamed-box", path: ["box", "feed"] },
    { line: "help exit-codes", path: ["box", "help", "exit-codes"] },
    { line: "serve", path: ["box", "serve"] },
    { line: "", argv0: "serve", path: ["serve"] },
    { line: "serve --loud", path: ["box", "serve"] },
    { line: "serve reload", path: ["box", "serve", "reload"] },
    { line: "reload", argv0: "/usr/sbin/serve", path: ["serve", "reload"] },
    { line: "show g reload", path: ["box", "show"] },
    { line: "show", path: ["box", "show"] },
    { line: "show reload", path: ["box", "show", "reload"] },
  ]) {
    test(`${argv0 ?? "box"} ${line}`, () => expect(decide(line, argv0)).toMatchObject({ do: "run", path }));
  }

  for (const { line, argv0, path } of [
    { line: "", path: ["box"] },
    { line: "--help", path: ["box"] },
    { line: "-h", path: ["box"] },
    { line: "help", path: ["box"] },
    { line: "help feed", path: ["box", "feed"] },
    { line: "help probe ping", path: ["box", "probe", "ping"] },
    { line: "probe", path: ["box", "probe"] },
    { line: "feed --help", path: ["box", "feed"] },
    { line: "feed -h", path: ["box", "feed"] },
    { line: "feed --nonsense --help", path: ["box", "feed"] },
    { line: "-h", argv0: "feed", path: ["feed"] },
    { line: "serve --help", path: ["box", "serve"] },
    { line: "serve --loud --help", path: ["box", "serve"] },
    { line: "serve help reload", path: ["box", "serve", "reload"] },
    { line: "serve reload --help", path: ["box", "serve", "reload"] },
  ]) {
    test(`help: ${argv0 ?? "box"} ${line}`, () => expect(decide(line, argv0)).toMatchObject({ do: "help", path }));
  }

  for (const line of ["--version", "-V", "feed --version", "feed g --version"]) {
    test(`version, and nothing runs: ${line}`, () => expect(decide(line)).toEqual({ do: "version" }));
  }

  test("behind -- and behind another's command, --help is not ours", () => {
    expect(decide("feed g -- --help")).toMatchObject({ do: "run", given: { positionals: ["g", "--help"] } });
    expect(decide("wrap --quiet ls --help -l")).toMatchObject({
      do: "run",
      given: { positionals: ["ls", "--help", "-l"] },
    });
  });
});

test("a word that a service does not know is told with the one that was meant, and nothing runs", () => {
  expect(refusal("serve relaod").message).toBe('unknown command "relaod"; did you mean "reload"?');
});

describe("flags are read", () => {
  for (const { line, flags, positionals } of [
    { line: "feed g", flags: { quiet: false, spread: [], json: false }, positionals: ["g"] },
    { line: "feed g f1 f2", flags: {}, positionals: ["g", "f1", "f2"] },
    { line: "feed --rate 5 g", flags: { rate: "5" }, positionals: ["g"] },
    { line: "feed --rate=5 g", flags: { rate: "5" }, positionals: ["g"] },
    { line: "feed --rate= g", flags: { rate: "" }, positionals: ["g"] },
    { line: "feed --rate=a=b g", flags: { rate: "a=b" }, positionals: ["g"] },
    { line: "feed --rate -5 g", flags: { rate: "-5" }, positionals: ["g"] },
    { line: "feed -r5 g", flags: { rate: "5" }, positionals: ["g"] },
    { line: "feed -r 5 -q g", flags: { rate: "5", quiet: true }, positionals: ["g"] },
    { line: "feed -qr5 g", flags: { rate: "5", quiet: true }, positionals: ["g"] },
    { line: "feed -s a --spread b -s=c g", flags: { spread: ["a", "b", "c"] }, positionals: ["g"] },
    { line: "feed --wait 2m30s g", flags: { wait: 150_000 }, positionals: ["g"] },
    { line: "feed --order fifo g --json", flags: { order: "fifo", json: true }, positionals: ["g"] },
    { line: "feed g -", flags: {}, positionals: ["g", "-"] },
    { line: "feed g -- -q --rate", flags: { quiet: false }, positionals: ["g", "-q", "--rate"] },
    { line: "feed --rate 1 --rate 2 g", flags: { rate: "2" }, positionals: ["g"] },
  ]) {
    test(line, () => expect(decide(line)).toMatchObject({ do: "run", given: { flags, positionals } }));
  }

  test("a flag that was not given has no value, so that the config may give one", () => {
    const decision = decide("feed g");
    expect(decision.do === "run" && "rate" in decision.given.flags).toBe(false);
  });
});

describe("a wrong line is refused in one line, with the nearest real word", () => {
  for (const { line, argv0, message, path } of [
    { line: "fed g", message: 'unknown command "fed"; did you mean "feed"?', path: ["box"] },
    { line: "zzzzzz", message: 'unknown command "zzzzzz"; box --help lists them', path: ["box"] },
    { line: "probe pnig", message: 'unknown command "pnig"; did you mean "ping"?', path: ["box", "probe"] },
    { line: "help fede", message: 'unknown command "fede"; did you mean "feed"?', path: ["box"] },
    { line: "--verison", message: "unknown flag --verison; did you mean --version?", path: ["box"] },
    { line: "--zzzz", message: "unknown flag --zzzz; flags come behind a command (box --help)", path: ["box"] },
    { line: "feed --rat 5 g", message: "unknown flag --rat; did you mean --rate?", path: ["box", "feed"] },
    { line: "feed --conf x g", message: "unknown flag --conf; did you mean --config?", path: ["box", "feed"] },
    {
      line: "feed --xyzzyx g",
      message: "unknown flag --xyzzyx; box feed --help lists the flags",
      path: ["box", "feed"],
    },
    {
      line: "feed --__proto__ g",
      message: "unknown flag --__proto__; box feed --help lists the flags",
      path: ["box", "feed"],
    },
    { line: "feed -x g", message: "unknown flag -x; box feed --help lists the flags", path: ["box", "feed"] },
    { line: "feed -quiet g", message: "unknown flag -u; did you mean --quiet?", path: ["box", "feed"] },
    { line: "feed g --rate", message: "--rate needs a value: --rate RATE", path: ["box", "feed"] },
    { line: "feed g -r", message: "--rate needs a value: --rate RATE", path: ["box", "feed"] },
    { line: "feed g --quiet=yes", message: '--quiet takes no value: found "yes"', path: ["box", "feed"] },
    {
      line: "feed g --order causel",
      message: '--order: found "causel", expected one of agreed, fifo',
      path: ["box", "feed"],
    },
    {
      line: "feed g --order fife",
      message: '--order: found "fife", expected one of agreed, fifo; did you mean "fifo"?',
      path: ["box", "feed"],
    },
    { line: "feed", message: "GROUP is missing: the group (box feed --help)", path: ["box", "feed"] },
    {
      line: "probe ping now",
      message: 'unexpected argument "now" (box probe ping --help)',
      path: ["box", "probe", "ping"],
    },
    { line: "g --ratee 1", argv0: "feed", message: "unknown flag --ratee; did you mean --rate?", path: ["feed"] },
  ]) {
    test(`${argv0 ?? "box"} ${line}`, () => {
      const fault = refusal(line, argv0);
      expect(fault.message).toBe(message);
      expect(fault.path).toEqual(path);
      expect(fault.kind).toBe("usage");
    });
  }

  test("a value that its reader refuses names the flag and what was expected", () => {
    expect(refusal("feed --wait soon g").message).toStartWith(
      '--wait: cannot read duration "soon": expected a duration such as',
    );
  });

  test("every refusal is a Fault of kind usage", () => expect(refusal("fed")).toBeInstanceOf(Fault));
});
