import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { matchesCrypt } from "../../linux/crypt.ts";
import type { Password } from "../authentication.ts";
import { textOf } from "./system-text.ts";

/**
 * Reads a file of users for method PWORD, as the real daemon's `spread.access_pword`: `NAME:HASH` lines, `#` begins a comment.
 * @returns whether a user has a password
 * @throws {Fault} the file cannot be read, or a line is none of these
 */
export function passwordsOf(path: string): (password: Password) => boolean {
  const hashes = new Map<string, string>();
  for (const [at, line] of readLines(path).entries()) {
    const text = line.replace(/#.*$/, "").trim();
    if (text === "") continue;
    const [, user, hash] = /^([^:]{1,31}):(\S{13,})$/.exec(text) ?? [];
    if (user === undefined || hash === undefined)
      throw new Fault(
        "config",
        "password-line",
        `${path}:${at + 1}: cannot read password: expected NAME:HASH, the hash as of crypt(3)`,
      );
    hashes.set(user, hash);
  }
  matchesCrypt("", "**"); // a libcrypt that is missing is told at the start
  return ({ user, password }) => {
    const hash = hashes.get(user);
    return hash !== undefined && matchesCrypt(password, hash);
  };
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (error) {
    throw new Fault("no-input", "password-file", `cannot read ${path}: ${textOf(error)}`, {
      cause: error,
    });
  }
}
