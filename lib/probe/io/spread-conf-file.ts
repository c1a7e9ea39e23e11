// A spread.conf from the disk, with the resolver asked for the names that it gives no address for.
import { lookup } from "node:dns/promises";
import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { type ConfReading, namesToLookUp, readSpreadConf } from "../../spread/spread-conf.ts";

/** Where a spread.conf is looked for when none is named: the daemon's own order, and where packages put it. */
export const SPREAD_CONF_PATHS = [
  "spread.conf",
  "/etc/spread.conf",
  "/etc/spread/spread.conf",
  "/usr/local/etc/spread.conf",
];

/** The real daemon's configuration is a few kilobytes; its hash text alone may not pass 100,000 bytes. */
const FILE_BYTES_MAX = 1_048_576;

export interface LoadedSpreadConf {
  readonly file: string;
  readonly reading: ConfReading;
}

export interface LoadSpreadConfOptions {
  /** `undefined`: the first of `SPREAD_CONF_PATHS` that exists. "-": stdin. */
  readonly path: string | undefined;
  /** Ask the resolver; otherwise names stay without address. */
  readonly lookUp: boolean;
  readonly dialect?: 4 | 5;
}

/** @throws {Fault} kind "no-input": no such file, or it can't be read; kind "data": it is too large */
export async function loadSpreadConf({ path, lookUp, dialect = 5 }: LoadSpreadConfOptions): Promise<LoadedSpreadConf> {
  const file = path ?? SPREAD_CONF_PATHS.find((candidate) => existsSync(candidate));
  if (file === undefined)
    throw new Fault(
      "no-input",
      "missing",
      `cannot find spread.conf: looked at ${SPREAD_CONF_PATHS.join(", ")}; name one`,
    );
  const text = await readText(file);
  const first = readSpreadConf(text, { dialect });
  const names = lookUp ? namesToLookUp(first.conf) : [];
  const name = file === "-" ? "stdin" : file;
  if (names.length === 0) return { file: name, reading: first };
  const addresses = new Map(await Promise.all(names.map(async (one) => [one, await addressesOf(one)] as const)));
  return { file: name, reading: readSpreadConf(text, { dialect, addresses }) };
}

/** Addresses of this host, as text, without zones. */
export function hostAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address.split("%", 1)[0]!),
  );
}

async function readText(file: string): Promise<string> {
  const source = file === "-" ? Bun.stdin : Bun.file(file);
  try {
    // a pipe has no size: what is read is bounded either way
    const bytes = new Uint8Array(await source.slice(0, FILE_BYTES_MAX + 1).arrayBuffer());
    if (bytes.length > FILE_BYTES_MAX)
      throw new Fault(
        "data",
        "too-large",
        `cannot read ${file}: it has more than ${FILE_BYTES_MAX} bytes, no spread.conf has`,
      );
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new Fault("no-input", code || "unreadable", `cannot read ${file}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function addressesOf(name: string): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);
  } catch {
    return []; // unknown host, which the reader tells with its place
  }
}
