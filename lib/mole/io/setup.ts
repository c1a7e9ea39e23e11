// All that a mole needs to know before it begins: the table, and what this host says of itself.
import { createHmac } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import type { SessionOptions } from "../../spread/index.ts";
import type { HostConfig } from "../event.ts";
import { type HostFacts, hostConfigOf } from "../settings.ts";
import type { MoleTable } from "../table.ts";
import type { Mac } from "../wire.ts";

export interface Setup {
  readonly table: MoleTable;
  readonly config: HostConfig;
  readonly spread: SessionOptions;
  readonly mac: Mac | undefined;
}

/** @throws {Fault} no usable key, no machine id */
export function setUp(table: MoleTable, spread: SessionOptions): Setup {
  const facts = hostFacts();
  const config = hostConfigOf(table, facts);
  if (table.hosts.length > 0 && !table.hosts.includes(config.host))
    throw new Fault(
      "config",
      "unlisted",
      `this host calls itself ${JSON.stringify(config.host)}, which is not in mole.hosts: add it there, or set mole.host`,
    );
  return { table, config, spread, mac: table.key_file === undefined ? undefined : macOf(readKey(table.key_file)) };
}

/** A shorter key would be guessed. */
const KEY_BYTES_MIN = 16;

/** @throws {Fault} */
export function readKey(path: string): Uint8Array {
  try {
    const key = readFileSync(path);
    if (key.length < KEY_BYTES_MIN)
      throw new Fault(
        "config",
        "short-key",
        `cannot use key ${path}: ${key.length} bytes, expected at least ${KEY_BYTES_MIN}; head -c 32 /dev/urandom > ${path}`,
      );
    const { mode } = statSync(path);
    if ((mode & 0o077) !== 0)
      throw new Fault(
        "config",
        "open-key",
        `cannot use key ${path}: others than its owner can read it (mode ${(mode & 0o777).toString(8)}); chmod 600 ${path}`,
      );
    return key;
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("config", "key", `cannot read key ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function macOf(key: Uint8Array): Mac {
  return (bytes) => new Uint8Array(createHmac("sha256", key).update(bytes).digest());
}

const MACHINE_ID = "/etc/machine-id";
/** Of the kernel: another one at each start, which is good enough where nothing else is there, and told by preflight. */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

export function hostFacts(): HostFacts & { readonly hasMachineId: boolean } {
  const id = tryRead(MACHINE_ID);
  const name = hostname().split(".", 1)[0]!;
  return { hostname: name, machineId: id === "" ? tryRead(BOOT_ID) : id, hasMachineId: id !== "" };
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
