// A stage for the compiled recorder: a daemon of ours, a sender, and recorders by configuration.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startSpreadbox, WAIT_MS } from "../support/child.ts";
import { textOf } from "../support/text-of.ts";
import { NO_CONFIG, stage } from "./stage.ts";

/** `record(...)` resolves when the recorder has joined log.mail; `%d` in its configuration is the test's own directory. */
export async function recorderStage() {
  const set = await stage();
  const children: Child[] = [];
  const config = join(set.scratch, "recorder.toml");
  const control = join(set.scratch, "recorder.ctl");
  return {
    ...set,
    config,
    control,
    configure(toml: string): void {
      const text = `[spread]\nservers = ["unix:${set.socket}"]\n${toml.replaceAll("%d", set.scratch)}`;
      writeFileSync(config, text);
    },
    async record(toml: string, args: readonly string[] = []): Promise<Child> {
      this.configure(toml);
      const own = ["--state", join(set.scratch, "state"), "--control", control, "--config", config, "--verbose"];
      const child = startSpreadbox(["logcat", "record", ...own, ...args], { env: NO_CONFIG });
      children.push(child);
      await child.stderr.until("joined log.mail");
      return child;
    },
    path: (name: string) => join(set.scratch, name),
    async [Symbol.asyncDispose]() {
      for (const child of children) await child[Symbol.asyncDispose]();
      await set[Symbol.asyncDispose]();
    },
  };
}

/** Resolves with the text of the file as soon as it holds `wanted`. */
export async function untilHolds(file: string, wanted: string | RegExp): Promise<string> {
  const holds = (text: string) => (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text));
  for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline; await Bun.sleep(10)) {
    const text = textOf(file);
    if (text !== "" && holds(text)) return text;
  }
  throw new Error(`${file} never held ${wanted}: ${textOf(file)}`);
}
