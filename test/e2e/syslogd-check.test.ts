// `syslogd --check` passes nothing that a start or a reload would refuse, and tells of a classic file all that is not taken.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Certificates } from "../support/certificates.ts";
import { runSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { running } from "./running-syslogd.ts";

const scratch = temporaryDirectory();
const made = new Certificates();
const at = (name: string) => join(scratch.path, name);

beforeAll(() => {
  made.authority("ca");
  made.certificate("good", "ca", { name: "loghost.example.com" });
  made.certificate("other", "ca", { name: "other.example.com" });
  writeFileSync(at("junk"), "no certificate\n");
  mkdirSync(at("directory"));
});
afterAll(() => {
  made[Symbol.dispose]();
  scratch[Symbol.dispose]();
});

const listen = (more: string) => `[[syslogd.listen]]\non = "tls:127.0.0.1:6514"\n${more}`;
const rule = (to: string) => `[[syslogd.rule]]\nselect = "*.*"\nto = "${to}"\n`;
const pair = (certificate: string, key = certificate) =>
  `certificate = "${made.file(`${certificate}.crt`)}"\nkey = "${made.file(`${key}.key`)}"\n`;

async function check(text: string, ...words: readonly string[]) {
  writeFileSync(at("config.toml"), text);
  return await runSpreadbox(["syslogd", "--check", "--config", at("config.toml"), ...words]);
}

describe("refused is", () => {
  for (const { name, text, told } of [
    { name: "an unknown user", text: () => 'syslogd.user = "nosuch"\n', told: 'cannot run as user "nosuch"' },
    { name: "an unknown group", text: () => 'syslogd.group = "nosuch"\n', told: 'cannot run as group "nosuch"' },
    {
      name: "an unknown owner",
      text: () => `${rule("file:/x")}[[syslogd.sink]]\nof = "file:/x"\nowner = "nosuch"\n`,
      told: 'cannot give files to user "nosuch"',
    },
    {
      name: "a certificate that is none",
      text: () => listen(pair("good").replace(made.file("good.crt"), at("junk"))),
      told: "junk: expected a certificate in PEM form",
    },
    {
      name: "a missing authority",
      text: () => listen(`${pair("good")}authorities = "${at("nosuch")}"\n`),
      told: "nosuch: no such file or directory\n",
    },
    {
      name: "the key of another certificate",
      text: () => listen(pair("good", "other")),
      told: "it is not the key of the certificate in",
    },
    {
      name: "a sink's key of another certificate",
      text: () => `${rule("tls:a:1")}[[syslogd.sink]]\nof = "tls:*"\n${pair("good", "other")}`,
      told: "it is not the key of the certificate in",
    },
    {
      name: "a sink's authority that is none",
      text: () => `${rule("tls:a:1")}[[syslogd.sink]]\nof = "tls:*"\nauthorities = "${at("junk")}"\n`,
      told: "junk: expected certificates in PEM form",
    },
    { name: "a file that is a directory", text: () => rule(`file:${at("directory")}`), told: "it is a directory" },
    {
      name: "a file below a file",
      text: () => rule(`file:${at("junk/x")}`),
      told: "a part of its path is no directory",
    },
    { name: "a FIFO that is none", text: () => rule(`fifo:${at("junk")}`), told: "this is no FIFO" },
    { name: "a queue without room", text: () => 'syslogd.queue = "0"\n', told: "expected at least 64KiB" },
    {
      name: "a sink's queue without room",
      text: () => `${rule("file:/x")}[[syslogd.sink]]\nof = "file:*"\nqueue = "1KiB"\n`,
      told: "expected at least 64KiB",
    },
  ])
    test(name, async () => {
      const { status, stdout, stderr } = await check(text());
      expect([status, stdout, stderr]).toEqual([78, "", expect.stringContaining(told)]);
    });
});

test("what is good passes, with files that are not there yet", async () => {
  const sinks = `[[syslogd.sink]]\nof = "file:*"\nowner = "nobody"\n[[syslogd.sink]]\nof = "tls:*"\nauthorities = "${made.file("ca.crt")}"\n`;
  const rules = `${rule(`file:${at("new")}`)}${rule("tls:a:1")}`;
  const text = `syslogd.user = "nobody"\n${rules}${sinks}${listen(pair("good"))}`;
  expect(await check(text)).toMatchObject({ status: 0, stderr: "" });
});

test("all that is wrong is told at once", async () => {
  const { stderr } = await check(`syslogd.user = "nosuch"\n${rule(`file:${at("directory")}`)}`);
  expect(stderr).toContain("nosuch");
  expect(stderr).toContain("it is a directory");
});

test("beside lines of a classic file that can't be read, those without an equivalent are told", async () => {
  writeFileSync(at("syslog.conf"), `$ModLoad x\nmial.*\t/x\nmail.*\t/y\n*.*\t${at("directory")}\n`);
  const { status, stderr } = await check("", "--syslog-conf", at("syslog.conf"));
  expect(status).toBe(78);
  for (const told of [':1: left out: "$ModLoad"', ":2: left out: cannot read", `:4: left out: ${at("directory")} is a`])
    expect(stderr).toContain(told);
});

for (const words of [
  ["--check", "--explain"],
  ["--syslog-conf", "/dev/null", "--rule", "*.* -> file:/x"],
])
  test(`${words.join(" ")} is a contradiction`, async () => {
    const { status, stderr } = await runSpreadbox(["syslogd", ...words]);
    expect([status, stderr]).toEqual([64, expect.stringContaining("contradict each other: give one of them")]);
  });

test("a sink at a directory: check, reload and restart refuse it, a start runs by the others and tells; all in the same words", async () => {
  const text = (directory: string) =>
    `${rule(`file:${directory}/all`)}${rule(`file:${directory}/dir`)}${rule(`fifo:${directory}/dir`)}`;
  const places: string[] = [];
  await using syslogd = await running((directory) => {
    mkdirSync(join(directory, "dir"));
    places.push(directory);
    return text(directory);
  });
  const { line, ask, daemon, log, configure } = syslogd;
  const told = ["file", "fifo"].map((kind) => `${kind}:${places[0]}/dir: it is a directory`);
  log("hello");
  await line("all", "hello");
  for (const what of told) {
    await line("all", what);
    expect(daemon.stderr.text).toContain(what);
  }
  const shown = await ask("status");
  for (const what of told)
    expect(shown.stdout).toMatch(new RegExp(`^${what.replace(/: .*/, "")}: .* fails now: it is a directory$`, "m"));
  configure(text(places[0]!));
  for (const [word, who] of [
    ["--check", "syslogd"],
    ["reload", "syslogd reload"],
    ["restart", "syslogd restart"],
  ] as const)
    expect([word, await ask(word)]).toMatchObject([
      word,
      { status: 78, stdout: "", stderr: told.map((what) => `${who}: ${what}\n`).join("") },
    ]);
}, 30_000);
