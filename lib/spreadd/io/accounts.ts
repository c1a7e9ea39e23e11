// Users and groups by name, from /etc/passwd and /etc/group: enough for daemons' own accounts, and no library is asked that may wait for a network.
import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { KnownPeerSet, PeerSet } from "../peer.ts";

/** @throws {Fault} kind "config" where there is no such user */
export function userId(user: string | number): number {
  return idOf("user", "/etc/passwd", user);
}

/** @throws {Fault} kind "config" where there is no such group */
export function groupId(group: string | number): number {
  return idOf("group", "/etc/group", group);
}

/** A set of peers with its names looked up. */
export function knownPeerSet(set: PeerSet): KnownPeerSet {
  if (set.of === "user") return { of: "user", user: userId(set.user) };
  if (set.of === "group") return { of: "group", group: groupId(set.group) };
  return set;
}

function idOf(what: string, file: string, name: string | number): number {
  if (/^\d+$/.test(String(name))) return Number(name);
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const fields = line.split(":"); // name, password, number, ...
    if (fields[0] === name && /^\d+$/.test(fields[2] ?? "")) return Number(fields[2]);
  }
  throw new Fault("config", `unknown-${what}`, `unknown ${what} ${JSON.stringify(name)}: it is not in ${file}`);
}
