// What would become of the table: the same function that every host runs, on a copy.
import { cannotHave, standsAt, standsInTheWay } from "./command-check.ts";
import { CoverTable } from "./cover-table.ts";
import { compareText } from "./definition.ts";
import { deliver } from "./deliver.ts";
import { carryOver } from "./departure.ts";
import type { HostName, Member } from "./member.ts";
import { ALL_RULES } from "./rules.ts";
import type { StandsOn } from "./standing.ts";

export type Supposition =
  | { readonly suppose: "gone"; readonly hosts: readonly HostName[] }
  | { readonly suppose: "drained"; readonly host: HostName; readonly force: boolean }
  | { readonly suppose: "moved"; readonly vip: string; readonly host: HostName };

export interface Simulated {
  readonly vips: readonly {
    readonly vip: string;
    readonly before: HostName | undefined;
    readonly after: HostName | undefined;
  }[];
  /** Of the sum of weights by capacity. */
  readonly hosts: readonly { readonly host: HostName; readonly load: number; readonly capacity: number }[];
  readonly notes: readonly string[];
}

function notHere(table: CoverTable, names: readonly HostName[]): string {
  const here = [...table.hosts.values()].map(({ identity }) => identity.host).sort(compareText);
  return `no such host here: ${names.join(", ")}; here ${here.length === 1 ? "is" : "are"} ${here.join(", ")}`;
}

/**
 * @param standsOn which hosts have an address by themselves: they can't be given such a vip, which the table does not know before they refuse
 * @returns a text instead, where it can't be supposed: no such host or vip
 */
export function simulate(
  table: CoverTable,
  me: Member,
  supposition: Supposition,
  standsOn: StandsOn,
): Simulated | string {
  const after = CoverTable.from(table.snapshot(), ALL_RULES);
  const notes: string[] = [];
  const memberOf = (host: HostName) => table.hostNamed(host)?.member;
  if (table.maintenance.on) notes.push("maintenance is on: nothing would move until it is off");
  switch (supposition.suppose) {
    case "gone": {
      const gone = supposition.hosts.map(memberOf);
      const unknown = supposition.hosts.filter((_, at) => gone[at] === undefined);
      if (unknown.length > 0) return notHere(table, unknown);
      const members = after.members.filter((member) => !gone.includes(member));
      if (![...table.hosts.keys()].some((member) => members.includes(member))) return "then nobody would be left";
      carryOver(after, { id: "supposed", members, cause: "disconnect", together: members });
      if (table.safe) notes.push("mode safe: each is taken only when the leases of who is gone must have ended");
      if (!after.covers) notes.push("no majority would be left: mode safe covers nothing then");
      break;
    }
    case "drained": {
      const { host, force } = supposition;
      const member = memberOf(host);
      if (member === undefined) return notHere(table, [host]);
      deliver(after, me, { kind: "drain", host, on: true, force });
      if (!after.hosts.get(member)!.drained)
        notes.push(`${host} would not be drained: it is the last that can hold some vip (--force)`);
      break;
    }
    case "moved": {
      const { vip, host } = supposition;
      const to = memberOf(host);
      const entry = after.vipNamed(vip);
      if (to === undefined) return notHere(table, [host]);
      if (entry === undefined) return `no vip is called ${JSON.stringify(vip)}`;
      const inTheWay = standsInTheWay(vip, host, table, standsOn) ?? cannotHave(vip, host, table, standsOn);
      if (inTheWay !== undefined) {
        notes.push(`${vip} would not go there: ${inTheWay}`);
        break;
      }
      const { definition, number } = entry;
      deliver(after, me, { kind: "move", view: after.view, vip: definition.id, number, to, pinned: true });
      if (entry.owner !== to) notes.push(`${vip} would not go there: mole why ${vip} tells who may hold it`);
      break;
    }
    default:
      supposition satisfies never;
  }
  const result = outcome(table, after);
  for (const { vip, before, after: host } of result.vips) {
    const inTheWay = host === undefined || host === before ? undefined : standsAt(vip, host, table, standsOn);
    if (inTheWay !== undefined) notes.push(`${vip} could not be taken there: ${inTheWay}`);
  }
  return { ...result, notes };
}

function outcome(before: CoverTable, after: CoverTable): Pick<Simulated, "vips" | "hosts"> {
  const nameOf = (table: CoverTable, owner: Member | undefined) =>
    owner === undefined ? undefined : (table.hosts.get(owner)?.identity.host ?? owner);
  const vips = [...before.entries.values()]
    .filter((entry) => before.isInForce(entry))
    .map(({ definition, owner }) => ({
      vip: definition.name,
      before: nameOf(before, owner),
      after: nameOf(after, after.entries.get(definition.id)?.owner),
    }))
    .sort((a, b) => compareText(a.vip, b.vip));
  const hosts = [...after.hosts.values()]
    .map(({ member, identity, facts }) => ({
      host: identity.host,
      capacity: facts.capacity,
      load: [...after.entries.values()].reduce(
        (sum, { owner, definition }) => sum + (owner === member ? definition.weight : 0),
        0,
      ),
    }))
    .sort((a, b) => compareText(a.host, b.host));
  return { vips, hosts };
}
