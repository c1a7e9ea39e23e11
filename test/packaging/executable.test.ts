// Which path of the program generated files name.
import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { runSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

test("a link on the PATH is named, not what it leads to: an upgrade is another target", async () => {
  using scratch = temporaryDirectory();
  symlinkSync(binary(), join(scratch.path, "spreadbox"));
  const generated = async (path: string) =>
    (await runSpreadbox(["generate", "unit", "syslogd"], { env: { PATH: path } })).stdout;
  expect(await generated(`/usr/bin:${scratch.path}`)).toContain(`\nExecStart=${scratch.path}/spreadbox syslogd`);
  expect(await generated("/usr/bin")).toContain(`\nExecStart=${binary()} syslogd`);
});
