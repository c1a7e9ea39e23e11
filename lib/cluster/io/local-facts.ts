// What this host has, as far as the file system, the kernel and corosync tell.
import { createHash, createHmac } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { hasCpg } from "../../linux/cpg.ts";
import { readCorosyncConf } from "../corosync-conf.ts";
import type { KeyFacts, LocalFacts } from "../findings.ts";
import { AUTHKEY_PATH, COROSYNC_CONF_PATH } from "../plan.ts";
import { askCorosync } from "./corosync-map.ts";

/** Root's programs are not on everybody's PATH. */
const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin:/sbin`;

/** Digests that go into greetings; secrets only by a key that others have as well. */
export interface LocalDigests {
  readonly conf: string | null;
  readonly moleKey: string | null;
  readonly mac: (text: string) => string;
}

export async function localFacts(config: LocalFacts["config"]): Promise<LocalFacts> {
  const corosync = run(["corosync", "-v"]);
  const confText = textOf(COROSYNC_CONF_PATH);
  return {
    hostName: hostname(),
    ...ownAddresses(),
    corosync: /version '([^']+)'/.exec(corosync?.text ?? "")?.[1],
    hasCpg: hasCpg(),
    conf: confText === undefined ? undefined : readCorosyncConf(confText),
    confRefused: corosync === undefined || confText === undefined ? undefined : whyRefused(),
    authkey: keyFacts(AUTHKEY_PATH),
    config,
    isClockSet: isClockSet(),
    ring: await askCorosync().catch(() => undefined), // it does not run: the findings do without
  };
}

/** Also those of devices that are not plugged in, which Node's list leaves out. */
function ownAddresses(): Pick<LocalFacts, "addresses" | "unplugged"> {
  const listed = run(["ip", "-o", "addr", "show"])?.text ?? "";
  const found = [...listed.matchAll(/^\d+: +([^ @]+)\S* +inet6? ([^/ ]+)/gm)].map(([, device, address]) => ({
    device: device!,
    address: address!,
  }));
  const links = run(["ip", "-o", "link", "show"])?.text ?? "";
  const dark = new Set([...links.matchAll(/^\d+: +([^ @:]+)\S* +<[^>]*\bNO-CARRIER\b/gm)].map(([, device]) => device!));
  const unplugged = found.filter(({ device }) => dark.has(device));
  return {
    addresses:
      found.length > 0
        ? found.map(({ address }) => address)
        : Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
    unplugged: new Map(unplugged.map(({ device, address }) => [address, device])),
  };
}

export function keyFacts(path: string): KeyFacts {
  const found = statSync(path, { throwIfNoEntry: false });
  return { path, file: found && { mode: found.mode & 0o7777, uid: found.uid, bytes: found.size } };
}

export function localDigests(moleKeyPath: string | undefined): LocalDigests {
  const authkey = bytesOf(AUTHKEY_PATH) ?? new Uint8Array(0);
  const key = createHmac("sha256", authkey).update("spreadbox cluster check 1").digest();
  const mac = (text: string | Uint8Array) => createHmac("sha256", key).update(text).digest("hex");
  const conf = bytesOf(COROSYNC_CONF_PATH);
  const moleKey = moleKeyPath === undefined ? undefined : bytesOf(moleKeyPath);
  return {
    conf: conf === undefined ? null : createHash("sha256").update(conf).digest("hex").slice(0, 16),
    moleKey: moleKey === undefined ? null : mac(moleKey).slice(0, 16),
    mac,
  };
}

/** corosync's own test of its configuration. */
function whyRefused(): string | undefined {
  const tested = run(["corosync", "-t"]);
  if (tested === undefined || tested.status === 0) return undefined;
  const lines = tested.text.split("\n").filter((line) => line.trim() !== "");
  const telling = lines.find((line) => /error|crit/i.test(line)) ?? lines.at(-1) ?? `status ${tested.status}`;
  return telling.replace(/^.*?\] */, "");
}

function isClockSet(): boolean | undefined {
  if (existsSync("/run/systemd/timesync/synchronized")) return true;
  const told = run(["timedatectl", "show", "-p", "NTPSynchronized"]);
  const [, answer] = /^NTPSynchronized=(yes|no)/m.exec(told?.text ?? "") ?? [];
  return answer === undefined ? undefined : answer === "yes";
}

/** `undefined` where there is no such program. */
function run([name, ...args]: readonly [string, ...string[]]):
  | { readonly text: string; readonly status: number }
  | undefined {
  const program = Bun.which(name, { PATH });
  if (program === null) return undefined;
  const { stdout, stderr, exitCode } = Bun.spawnSync([program, ...args], { stdin: "ignore", timeout: 5_000 });
  return { text: `${stdout}${stderr}`, status: exitCode };
}

function bytesOf(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // missing, or not for us: the findings say so
  }
}

function textOf(path: string): string | undefined {
  const bytes = bytesOf(path);
  return bytes && new TextDecoder().decode(bytes);
}
