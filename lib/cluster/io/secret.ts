// The cluster's keys: made by chance, or all of them from one secret that the operator brings, so that the same command makes the same keys on every host.
import { hkdfSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { AUTHKEY_BYTES, MOLE_KEY_BYTES } from "../plan.ts";

export interface Keys {
  readonly authkey: Uint8Array;
  readonly moleKey: Uint8Array;
}

/** Less is no secret. */
const SECRET_BYTES_LEAST = 32;
const SECRET_BYTES_MOST = 65_536;

/**
 * @param file the secret; `undefined`: new keys
 * @throws {Fault} the file can't be read, or holds too little
 */
export function clusterKeys(file: string | undefined): Keys {
  if (file === undefined) return { authkey: randomBytes(AUTHKEY_BYTES), moleKey: randomBytes(MOLE_KEY_BYTES) };
  const secret = readSecret(file);
  const derive = (purpose: string, bytes: number) =>
    new Uint8Array(hkdfSync("sha256", secret, "spreadbox cluster init 1", purpose, bytes));
  return { authkey: derive("corosync", AUTHKEY_BYTES), moleKey: derive("mole", MOLE_KEY_BYTES) };
}

function readSecret(file: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const make = code === "ENOENT" ? `; make one: head -c ${AUTHKEY_BYTES} /dev/urandom > ${file}` : "";
    throw new Fault("no-input", code, `cannot read key ${file}: ${reasonOf(error)}${make}`, { cause: error });
  }
  if (bytes.length < SECRET_BYTES_LEAST || bytes.length > SECRET_BYTES_MOST)
    throw new Fault(
      "data",
      "key-length",
      `cannot take key ${file}: it has ${bytes.length} bytes, expected ${SECRET_BYTES_LEAST} to ${SECRET_BYTES_MOST}`,
    );
  return bytes;
}
