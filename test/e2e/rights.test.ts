// Programs that may do little: the compiled executable, and a daemon with the rules that README.md shows for hosts that only log.
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NO_CONFIG } from "../logcat/stage.ts";
import { projectRoot } from "../support/binary.ts";
import { type Child, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** A rule that stands for what it says of `tls:*.example.com`; all these come by a unix socket of their own user. */
const readmeRule = /from = \["tls:[^\n]*\n\s*(send = [^#\n]*)[^\n]*\n\s*(join = [^#\n]*)/.exec(
  readFileSync(join(projectRoot, "README.md"), "utf8"),
)!;

async function site(rule: string) {
  const scratch = temporaryDirectory();
  const socket = join(scratch.path, "spread.sock");
  const config = join(scratch.path, "spreadbox.toml");
  // readers come as any local TCP client would, by rights of their own
  writeFileSync(
    config,
    `[spreadd]\nlisten = ["127.0.0.9"]\n[[spreadd.allow]]\nfrom = ["unix"]\n${rule}\n[[spreadd.allow]]\nfrom = ["local"]\n`,
  );
  const words = ["--port", "24957", "--name", "e2e", "--socket", socket, "--no-tmp-socket", "--config", config];
  const daemon = startSpreadbox(["spreadd", ...words]);
  const children: Child[] = [daemon];
  await daemon.stderr.until("listens on");
  const run = (args: readonly string[], stdin: string | "open" = "") => {
    const child = startSpreadbox(args, { env: NO_CONFIG, stdin });
    children.push(child);
    return child;
  };
  return {
    publish: (args: readonly string[], stdin: string | "open") =>
      run(["publish", "--spread", `unix:${socket}`, ...args], stdin),
    watch: (words: readonly string[]) => run(["spread-probe", "watch", "--spread", `unix:${socket}`, ...words]),
    logcat: (words: readonly string[]) => run(["logcat", "--verbose", "--spread", "24957@127.0.0.9", ...words]),
    async [Symbol.asyncDispose]() {
      for (const child of children) await child[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

test("spread-probe watch says that it may not join, and ends", async () => {
  await using set = await site('send = ["log.*"]\njoin = []');
  const { status, stderr } = await set.watch(["secret"]).result();
  expect(stderr).toContain("cannot watch secret: the daemon does not let us join it");
  expect(status).toBe(77);
});

const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}\n`).join("");

describe("a host that may only log", () => {
  for (const { claim, rule } of [
    { claim: "by the rule of README.md", rule: `${readmeRule[1]}\n${readmeRule[2]}` },
    { claim: "and is not let into the directory either", rule: 'send = ["log.*"]\njoin = []' },
  ])
    test(`knows what has arrived, ${claim}`, async () => {
      await using set = await site(rule);
      const logcat = set.logcat(["--format", "raw", "log.raw"]);
      await logcat.stderr.until("joined log.raw");
      const text = lines(50_000);
      const publish = set.publish(["--app", "x", "log.raw"], text);
      expect(await publish.exited).toBe(0);
      await logcat.stdout.until("line 49999\n");
      expect(publish.stderr.text).toBe("");
    }, 60_000);

  test("is found by who follows a pattern, whoever comes first", async () => {
    await using set = await site(`${readmeRule[1]}\n${readmeRule[2]}`);
    const publish = set.publish(["--app", "x", "log.mail"], "open");
    publish.stdin.write("first\n");
    await publish.stdin.flush();
    const logcat = set.logcat(["--format", "raw", "log.*"]);
    await logcat.stderr.until("joined log.mail");
    publish.stdin.write("second\n");
    await publish.stdin.flush();
    await logcat.stdout.until("second\n");
    publish.stdin.end();
    expect(await publish.exited).toBe(0);
  });

  for (const args of [["--app", "x"], []])
    test(`is told what it may not send to, and counts it as lost (${args.length > 0 ? "records" : "text"})`, async () => {
      await using set = await site('send = ["log.*"]\njoin = []');
      const publish = set.publish([...args, "secret"], lines(3));
      const { status, stderr } = await publish.result();
      expect(stderr).toContain(
        "the daemon does not let us send to secret: no [[spreadd.allow]] there says that we may; records for it are lost",
      );
      expect(stderr).toContain("3 of 3 lines were not delivered");
      expect(status).toBe(75);
    });
});
