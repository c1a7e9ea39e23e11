// What a reload changes, in words. Pure.
import { compareText } from "./definition.ts";
import type { HostConfig } from "./event.ts";
import type { MoleTable } from "./table.ts";

/** A configuration, as far as it is compared. */
export interface Configured {
  readonly table: MoleTable;
  readonly config: Pick<HostConfig, "definitions">;
  readonly spread: { readonly servers?: unknown };
  readonly mac: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

/** What is read at the start alone. */
const FIXED: readonly (keyof MoleTable)[] = [
  "group",
  "host",
  "key_file",
  "state_dir",
  "control",
  "metrics",
  "pid_file",
  "notify",
  "notify_rate",
];

/** What of a new configuration counts only after a restart. */
export function fixedKeysChanged(before: Configured, after: Configured): readonly string[] {
  const changed: string[] = keysChanged(before, after).filter((key) => FIXED.includes(key));
  const ofKey = ({ mac }: Configured) => JSON.stringify(mac === undefined ? undefined : [...mac(new Uint8Array(0))]);
  if (!changed.includes("key_file") && ofKey(before) !== ofKey(after)) changed.push("the key in key_file");
  return isSame(before.spread.servers, after.spread.servers) ? changed : [...changed, "spread.servers"];
}

function keysChanged(before: Configured, after: Configured): readonly (keyof MoleTable)[] {
  const keys = new Set([...Object.keys(before.table), ...Object.keys(after.table)] as (keyof MoleTable)[]);
  return [...keys].filter((key) => !isSame(before.table[key], after.table[key])).sort(compareText);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What is new, in a line, by name: of the vips, and of the other settings that count at once. */
export function changesOf(before: Configured, after: Configured): string {
  const old = new Map(before.config.definitions.map(({ name, digest }) => [name, digest]));
  const now = new Set(after.config.definitions.map(({ name }) => name));
  const { definitions } = after.config;
  const settings = keysChanged(before, after).filter((key) => key !== "vip" && !FIXED.includes(key));
  const parts = Object.entries({
    new: definitions.filter(({ name }) => !old.has(name)).map(({ name }) => name),
    changed: definitions
      .filter(({ name, digest }) => old.has(name) && old.get(name) !== digest)
      .map(({ name }) => name),
    gone: [...old.keys()].filter((name) => !now.has(name)),
    settings,
  }).flatMap(([what, names]) => (names.length === 0 ? [] : [`${what}: ${names.join(", ")}`]));
  return `read the configuration anew: ${parts.length === 0 ? "no vip changes" : parts.join("; ")}`;
}
