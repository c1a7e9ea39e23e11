// `syslogd --explain`, asked as an operator asks: the compiled executable, raw messages on stdin.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Explanation } from "../../lib/syslogd/explain.ts";
import { MessageCutter } from "../../lib/syslogd/message-cutter.ts";
import { binary } from "../support/binary.ts";
import { cases } from "../support/fuzz.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { bytesOf, messages, type Sample, SCORED_FIELDS, scored, timeAsScored } from "../syslog/sample.ts";

function explain(args: readonly string[], stdin: Uint8Array | string) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([binary(), "syslogd", "--explain", ...args], {
    stdin: typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin,
    env: { TZ: "UTC", SPREADBOX_CONFIG: "/dev/null" },
  });
  return { status: exitCode, out: stdout.toString(), err: stderr.toString() };
}

function explained(args: readonly string[], stdin: Uint8Array | string): Explanation[] {
  const { out, err } = explain(["--json", ...args], stdin);
  if (err !== "") throw new Error(err);
  return out
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Explanation);
}

describe("the samples", () => {
  const settings = new Map<string, Sample[]>();
  for (const sample of scored) {
    const key = [sample.via, sample.now, sample.tz].join(" ");
    settings.set(key, [...(settings.get(key) ?? []), sample]);
  }
  const wrong: string[] = [];
  let asked = 0;
  for (const [key, group] of settings) {
    const [via, now, tz] = key.split(" ") as [string, string, string];
    const args = ["-0", "--via", via, "--from", "192.0.2.7", "--now", now, "--tz", tz];
    const found = explained(args, Buffer.concat(group.flatMap((sample) => [bytesOf(sample), Uint8Array.of(0)])));
    if (found.length !== group.length) wrong.push(`${key}: ${found.length} of ${group.length} messages came out`);
    asked += found.length;
    wrong.push(...group.flatMap((sample, at) => wrongFields(sample, found[at]!)));
  }

  test("are 277 of 277 with all fields right", () => {
    expect(wrong).toEqual([]);
    expect(asked).toBe(277);
  });

  test("that break their form come out once, with their text", () => {
    const malformed = messages.filter((sample) => sample.expect["malformed"] === true);
    const found = explained(
      ["-0", "--via", "udp"],
      Buffer.concat(malformed.flatMap((one) => [bytesOf(one), Uint8Array.of(0)])),
    );
    expect(found.length).toBe(malformed.length);
    const lost = malformed.filter((one, at) => !new TextDecoder().decode(bytesOf(one)).includes(found[at]!.msg));
    expect(lost).toEqual([]);
  });
});

function wrongFields(sample: Sample, found: Explanation): string[] {
  if (sample.expect["malformed"] === true) return [];
  const lenient = new Set(sample.options?.lenient);
  return SCORED_FIELDS.filter((field) => field in sample.expect && !lenient.has(field)).flatMap((field) => {
    const [got, wanted] = [found[field], sample.expect[field]].map((value) =>
      field === "time" ? timeAsScored(sample, value as string | null) : value,
    );
    return Bun.deepEquals(got, wanted)
      ? []
      : [`${sample.id}.${field}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`];
  });
}

describe("of a message is told", () => {
  const rules = [
    "mail.* -> file:/var/log/mail",
    "*.info program=sshd match=Failed stop -> file:/var/log/%host%/%app%.log",
    "*.info;mail.none -> group:log.%facility%.%app%",
    "*.err -> file:/var/log/errors",
    "*.* program=sshd -> group:all",
  ].flatMap((rule) => ["--rule", rule]);

  test("which rules took it and where it goes, names made of it", () => {
    const [failed, other] = explained(rules, "<38>sshd[1]: Failed password\n<35>cron[2]: oops\n");
    expect(failed!.rules.map(({ number, stops }) => ({ number, stops }))).toEqual([{ number: 2, stops: true }]);
    expect(failed!.sinks).toEqual([`file:/var/log/${failed!.host}/sshd.log`]);
    expect(other!.rules.map(({ number }) => number)).toEqual([3, 4]);
    expect(other!.sinks).toEqual(["group:log.auth.cron", "file:/var/log/errors"]);
  });

  test("that it goes nowhere", () => {
    expect(explain(["--rule", "mail.* -> file:/x"], "<38>a: b\n").out).toContain(
      "goes to   nowhere: no rule takes it\n",
    );
  });

  test("a sink once, though two rules name it", () => {
    const twice = ["--rule", "*.* -> file:/x", "--rule", "kern.* -> file:/x"];
    expect(explained(twice, "<1>a\n")[0]!.sinks).toEqual(["file:/x"]);
  });

  test("all of it in words", () => {
    const args = ["--via", "udp", "--now", "2026-11-23T12:00:00Z", "--tz", "+02:00", "--rule", "auth.* -> file:/a"];
    const { out, status } = explain(
      args,
      '<34>1 2026-10-11T22:14:15.003Z h1 su 230 ID47 [x@1 k="v"] \x1b[2Jhi\n<34>Oct 11 22:14:15 h1 su: x',
    );
    expect(out).toBe(`read as   RFC 5424
pri       34 (auth.crit)
time      2026-10-11T22:14:15.003Z
hostname  h1
app       su
procid    230
msgid     ID47
sd        {"x@1":{"k":"v"}}
msg       "\\u001b[2Jhi"
rule 1    file:/a: auth: all
goes to   file:/a

read as   RFC 3164
pri       34 (auth.crit)
time      2026-10-11T22:14:15+02:00
hostname  h1
app       su
msg       "x"
rule 1    file:/a: auth: all
goes to   file:/a
`);
    expect(status).toBe(0);
  });

  test("and nothing is written", () => {
    using scratch = temporaryDirectory();
    const [found] = explained(["--rule", `*.* -> file:${scratch.path}/%app%.log`], "<38>sshd[1]: Failed password\n");
    expect(found!.sinks).toEqual([`file:${scratch.path}/sshd.log`]);
    expect([...new Bun.Glob("**").scanSync({ cwd: scratch.path, onlyFiles: false })]).toEqual([]);
  });
});

test("what is for --explain alone is refused without it", () => {
  const { exitCode, stderr } = Bun.spawnSync([binary(), "syslogd", "--tz", "UTC", "--socket", "/nonexistent/x"]);
  expect([exitCode, stderr.toString()]).toEqual([64, "syslogd: --tz is for --explain\n"]);
});

test("however the input is cut, the same messages come out", () => {
  const piece = fc.constantFrom("<1>a", "b\n", "\n", "\n\n", "", "\0", "0123456789");
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const encoder = new TextEncoder();
      const cutter = new MessageCutter(10, 12);
      const found = [...pieces.flatMap((text) => cutter.take(encoder.encode(text))), ...cutter.finish()];
      const whole = pieces
        .join("")
        .split("\n")
        .filter((message) => message !== "");
      expect(found.map((bytes) => new TextDecoder().decode(bytes))).toEqual(whole.map((text) => text.slice(0, 13)));
    }),
    cases(500),
  );
});
