import { dlopen } from "bun:ffi";
import { Fault } from "../base/fault.ts";

const LIBRARY = "libcrypt.so.1";

function open() {
  try {
    return dlopen(LIBRARY, { crypt: { args: ["ptr", "ptr"], returns: "cstring" } }).symbols;
  } catch (error) {
    throw new Fault("os-file", "no-libcrypt", `cannot check passwords: ${LIBRARY} is not there; install libcrypt1`, {
      cause: error,
    });
  }
}

let opened: ReturnType<typeof open> | undefined;

/**
 * crypt(3): whether `phrase` is what `hash` was made of, by any method that the host's libcrypt knows, the traditional one included.
 * @throws {Fault} kind "os-file" where there is no libcrypt
 */
export function matchesCrypt(phrase: string, hash: string): boolean {
  opened ??= open();
  const made = String(opened.crypt(terminated(phrase), terminated(hash)));
  return hash.length >= TRADITIONAL_LENGTH && made === hash; // "*0" and the like stand for failure
}

/** The shortest hash there is: two characters of salt, eleven of hash. */
const TRADITIONAL_LENGTH = 13;

const terminated = (text: string) => new TextEncoder().encode(`${text}\0`);
