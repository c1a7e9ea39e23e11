// The executable that generated files name.
import { realpathSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { Fault } from "../../lib/base/fault.ts";
import type { Flag } from "../../lib/cli/command.ts";

export const EXECUTABLE_FLAG = {
  executable: {
    type: "value",
    hint: "PATH",
    about:
      "the path of spreadbox on the host where it will run; unless given, that of the one that runs now, or of a link on the PATH that leads to it",
    read: readExecutable,
  },
} as const satisfies Record<string, Flag>;

/** What units, scripts and shells all read as one word. */
const PLAIN_PATH = /^\/[\w./+-]+$/;

/** @throws {Fault} where ours is none that can be written as it stands */
export function executableOf(given: string | undefined): string {
  return given ?? plain(onPath(process.execPath) ?? process.execPath, "; --executable names another");
}

/** A link on the PATH that leads to the program: an upgrade is another target, and what was generated goes on. */
function onPath(program: string): string | undefined {
  const links = (process.env["PATH"] ?? "").split(":").map((directory) => join(directory, "spreadbox"));
  return links.find((link) => isAbsolute(link) && realPathOf(link) === program);
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function readExecutable(path: string): string {
  return plain(path, "");
}

function plain(path: string, advice: string): string {
  if (PLAIN_PATH.test(path)) return path;
  const found = `cannot write the path ${JSON.stringify(path)} into units and scripts`;
  throw new Fault("usage", "path", `${found}: expected an absolute one of letters, digits and ./_+-${advice}`);
}
