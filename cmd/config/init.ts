import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { starterText } from "../../lib/config/starter.ts";
import { tables } from "../tables.ts";

export const configInit = defineCommand({
  name: "init",
  summary: "writes a commented configuration to start from",
  about:
    "Every table with its settings, commented out: it changes nothing until a line is uncommented. A file that exists is left alone. --output makes the directory conf.d beside it, too, for parts of it.",
  examples: [
    { line: "spreadbox config init", about: "prints it" },
    {
      line: "spreadbox config init --output /etc/spreadbox/spreadbox.toml",
      about: "writes it where every command looks",
    },
    { line: "spreadbox config init --output spreadbox.toml --force", about: "in place of what is there" },
  ],
  flags: {
    output: { type: "value", short: "o", hint: "FILE", about: "write it to this file instead of stdout" },
    force: { type: "switch", about: "overwrite a file that exists" },
  },
  async run(call) {
    const { output, force } = call.flags;
    const text = starterText(tables);
    if (output === undefined) await call.out.write(text);
    else {
      writeNew(output, text, force);
      call.log.notice(`wrote ${output}; spreadbox config check ${output} tells what is wrong once you have changed it`);
    }
    return 0;
  },
});

/** Beside the file: what is read besides, and where `config import` is written to. */
const PARTS = "conf.d";

function isPart(path: string): boolean {
  return basename(dirname(resolve(path))) === PARTS;
}

function writeNew(path: string, text: string, force: boolean): void {
  makeDirectory(dirname(path), path);
  if (!isPart(path)) makeDirectory(join(dirname(path), PARTS), path);
  try {
    writeFileSync(path, text, { flag: force ? "w" : "wx", mode: 0o644 });
  } catch (failure) {
    const code = codeOf(failure);
    const why = code === "EEXIST" ? "it exists, and is left alone; --force overwrites it" : (WHY[code] ?? code);
    throw new Fault("cannot-create", code, `cannot write ${path}: ${why}`, { cause: failure });
  }
}

function makeDirectory(directory: string, path: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (failure) {
    const code = codeOf(failure);
    throw new Fault("cannot-create", code, `cannot make ${directory} for ${path}: ${WHY[code] ?? code}`, {
      cause: failure,
    });
  }
}

function codeOf(failure: unknown): string {
  return failure instanceof Error && "code" in failure ? String(failure.code) : String(failure);
}

const WHY: Readonly<Record<string, string>> = {
  EEXIST: "something else is there",
  ENOENT: "its directory does not exist",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
  ENOSPC: "the disk is full",
  EROFS: "the file system is read-only",
};
