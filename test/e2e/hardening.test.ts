// The executable runs as root, so what lies around it must not reach into it: files in the working directory, and every variable that Bun lets a build shut off.
// Each attack is first shown to work on Bun itself, else this file would prove nothing.
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, projectRoot } from "../support/binary.ts";
import { start } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const bun = join(projectRoot, "node_modules/.bin/bun");

interface Attack {
  readonly name: string;
  readonly env?: (directory: string) => Record<string, string>;
}

/** A directory with a preload that leaves a mark when it runs, and everything that could make Bun load it. */
function trap(directory: string): string {
  const mark = join(directory, "mark");
  writeFileSync(join(directory, "preload.js"), `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "ran");`);
  writeFileSync(join(directory, "bunfig.toml"), `preload = ["./preload.js"]\n`);
  writeFileSync(
    join(directory, ".env"),
    "NO_COLOR=from-dotenv\nSPREADBOX_CONFIG=/from-dotenv.toml\nBUN_OPTIONS=--preload=./preload.js\n",
  );
  mkdirSync(join(directory, ".config"));
  writeFileSync(join(directory, ".config/.bunfig.toml"), `preload = ["../preload.js"]\n`);
  writeFileSync(join(directory, ".bunfig.toml"), `preload = ["./preload.js"]\n`);
  writeFileSync(join(directory, "victim.js"), `console.log(process.env.SPREADBOX_CONFIG ?? "untouched");`);
  return mark;
}

const attacks: readonly Attack[] = [
  { name: "bunfig.toml with a preload in the working directory" },
  {
    name: "bunfig.toml in HOME and XDG_CONFIG_HOME",
    env: (at) => ({ HOME: at, XDG_CONFIG_HOME: join(at, ".config") }),
  },
  { name: "BUN_OPTIONS=--preload", env: (at) => ({ BUN_OPTIONS: `--preload=${join(at, "preload.js")}` }) },
  { name: "BUN_OPTIONS=--config", env: (at) => ({ BUN_OPTIONS: `--config=${join(at, "bunfig.toml")}` }) },
  { name: "BUN_INSPECT_PRELOAD", env: (at) => ({ BUN_INSPECT_PRELOAD: join(at, "preload.js") }) },
  { name: "NODE_OPTIONS=--require", env: (at) => ({ NODE_OPTIONS: `--require ${join(at, "preload.js")}` }) },
];

describe("no code from around the executable runs in it", () => {
  for (const { name, env } of attacks) {
    test(name, async () => {
      using scratch = temporaryDirectory();
      const mark = trap(scratch.path);
      await using child = start([binary(), "help", "exit-codes"], {
        cwd: scratch.path,
        env: { ...env?.(scratch.path) },
      });
      await child.result();
      expect(existsSync(mark)).toBe(false);
    });
  }

  test("the trap is a real one: plain Bun runs into it", async () => {
    using scratch = temporaryDirectory();
    const mark = trap(scratch.path);
    await using child = start([bun, "victim.js"], { cwd: scratch.path });
    const { stdout } = await child.result();
    expect(existsSync(mark)).toBe(true);
    expect(stdout).toBe("/from-dotenv.toml\n");
  });
});

test("a .env file in the working directory sets no variable", async () => {
  using scratch = temporaryDirectory();
  trap(scratch.path);
  // Were SPREADBOX_CONFIG taken from .env, the missing file would be an error.
  await using child = start([binary(), "config", "check"], { cwd: scratch.path });
  const { stderr } = await child.result();
  expect(stderr).not.toContain("from-dotenv");
});

test("with BUN_INSPECT set it refuses to run, so no debugger port opens", async () => {
  await using child = start([binary(), "--version"], { env: { BUN_INSPECT: "ws://127.0.0.1:0/hole" } });
  const { status, stdout, stderr } = await child.result();
  expect(status).not.toBe(0);
  expect(stdout).toBe("");
  expect(stderr).toContain("BUN_INSPECT cannot be used");
});

test("the ban on code from strings is compiled in and cannot be lowered from outside", async () => {
  await using child = start([binary(), "--version"], {
    env: { BUN_OPTIONS: "--disallow-code-generation-from-strings=none" },
  });
  const { status, stdout } = await child.result();
  expect(status).not.toBe(0);
  expect(stdout).toBe("");
});

test("the executable needs nothing but libc", async () => {
  await using child = start(["ldd", binary()]);
  const { stdout } = await child.result();
  const libraries = [...stdout.matchAll(/^\s*(\S+?)\.so/gm)].map(([, name]) => name!.replace(/^.*\//, ""));
  expect(libraries.sort()).toEqual(expect.arrayContaining(["libc"]));
  // All of these are parts of glibc.
  for (const library of libraries)
    expect(["linux-vdso", "libc", "ld-linux-x86-64", "ld-linux-aarch64", "libpthread", "libdl", "libm"]).toContain(
      library,
    );
});
