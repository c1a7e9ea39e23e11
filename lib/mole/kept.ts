// Who may hold vips since a maintenance, in words: hosts that went away in it, and what nobody can name, of which no host that is back can say that it was its own. Pure.
import type { CoverTable } from "./cover-table.ts";
import { ANYBODY, type HostName } from "./member.ts";

/** Hosts that went away under maintenance, by their names. */
export function keepers(table: CoverTable): readonly HostName[] {
  return kept(table).flatMap(({ identity }) => (identity === undefined ? [] : [identity.host]));
}

/** Of the others; `undefined`: there are none. */
export function namelessKeepers(table: CoverTable): string | undefined {
  const nameless = kept(table).filter(({ identity }) => identity === undefined);
  if (nameless.length === 0) return undefined;
  const sessions = nameless.filter(({ name }) => name !== ANYBODY).map(({ name }) => name);
  const who = [
    ...(sessions.length === nameless.length ? [] : ["a host that nobody can name"]),
    ...(sessions.length === 0
      ? []
      : [`who never told whose session it is (${sessions.join(", ")}: another key_file?)`]),
  ].join(", or ");
  // What the hosts do by themselves: session.ts, giveUpStrangers.
  const all = table.hostList.hosts.length === 0 ? "" : "all of mole.hosts are here without maintenance, or until ";
  return `${who} may hold vips since the maintenance, so nobody takes what is not held until ${all}mole maintenance off --force (right only where no host runs but those here)`;
}

function kept({ waited }: CoverTable) {
  return [...waited.values()].filter(({ why }) => why === "kept");
}
