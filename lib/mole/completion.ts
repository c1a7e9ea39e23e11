// When an operator's command is done: not when it was sent, but when the table shows it, and what has to be let go has been. Pure: it is shown each event after the
// machine has handled it.
import { nextMove } from "./balance.ts";
import type { CoverTable, Entry, HostRecord } from "./cover-table.ts";
import type { Command, MoleEvent } from "./event.ts";
import { keepers, namelessKeepers } from "./kept.ts";
import { leasesStayOn, mayLift } from "./lifting.ts";
import type { Machine } from "./machine.ts";
import type { HostName, Member } from "./member.ts";
import type { Message } from "./message.ts";

export interface Outcome {
  readonly done: boolean;
  readonly text: string;
  /** Not now, for a reason that passes: worth being tried again. */
  readonly passes?: boolean;
  /** The operator's patience is over, and it goes on. */
  readonly isLate?: boolean;
}

/** Which message carries out which command. */
const KINDS: Readonly<Record<Command["do"], Message["kind"] | undefined>> = {
  drain: "drain",
  resume: "drain",
  move: "move",
  balance: "balance",
  maintenance: "maintenance",
  forget: "forget",
  stop: undefined,
};

export class Completion {
  /** The command's own message has been delivered: from here on the table is asked. */
  private isDelivered = false;
  /** Beats of others since: of the first nobody knows whether it was sent before they had read the command. */
  private readonly beats = new Map<Member, number>();

  constructor(private readonly command: Command) {}

  /** @returns `undefined` while it is under way */
  look(event: MoleEvent, machine: Machine): Outcome | undefined {
    const { session } = machine;
    if (event.on === "disconnected" || session === undefined)
      return { done: false, text: "the session ended before it was done: look at mole status, and try again" };
    if (event.on === "message" && event.from === session.member && event.message.kind === KINDS[this.command.do])
      this.isDelivered = true;
    else if (this.isDelivered && event.on === "message" && event.message.kind === "beat")
      this.beats.set(event.from, (this.beats.get(event.from) ?? 0) + 1);
    const { table } = session;
    if (!this.isDelivered || table === undefined) return undefined;
    return this.judge(table);
  }

  /** What is still missing, for who has waited too long. */
  pending(machine: Machine): string {
    if (!this.isDelivered) return "the group has not delivered it yet";
    const { command } = this;
    const table = machine.session?.table;
    if (table === undefined) return "the hosts are telling each other what they hold";
    if (command.do === "maintenance" && command.on)
      return mayLift(table)
        ? `whether it is heard by ${this.unheard(table).map(nameOf).join(", ")}`
        : leasesStayOn(table);
    if (command.do === "maintenance")
      return `nothing yet of leases from ${unleasedHere(table).map(nameOf).join(", ")}: where it does not hang, mole status there tells whether it can write to its disk`;
    const moving = [...table.entries.values()].filter(
      ({ owner, acked, number }) => owner !== undefined && acked !== number,
    );
    const names = moving.map(({ definition }) => definition.name).join(", ");
    if (command.do !== "balance" || names !== "") return `under way: ${names || "nothing"}`;
    const waited = nextMove(table) === undefined ? heldDown(table).join(", ") : "";
    return waited === ""
      ? "more is to be moved"
      : `it waits for ${waited}, held down because of a recent return (mole.hold_down): mole status there tells for how long`;
  }

  private judge(table: CoverTable): Outcome | undefined {
    const { command } = this;
    switch (command.do) {
      case "drain":
        return judgeDrain(table, command.host);
      case "resume":
        return { done: true, text: `${command.host} takes part again; what is better there moves when all is calm` };
      case "move":
        return judgeMove(table, command.vip, command.host);
      case "balance":
        return judgeBalance(table);
      case "maintenance":
        return command.on ? this.judgeMaintenanceOn(table) : judgeMaintenanceOff(table);
      case "forget":
        return { done: true, text: `${command.host} is forgotten` };
      case "stop":
        return undefined;
      default:
        return command satisfies never;
    }
  }

  private judgeMaintenanceOn(table: CoverTable): Outcome | undefined {
    if (!table.maintenance.on) return OVERRULED;
    // A part that may not cover holds nothing that could be kept.
    if (table.covers && !mayLift(table)) return undefined;
    const unheard = this.unheard(table);
    if (unheard.some(({ member }) => !table.beats.isQuiet(member))) return undefined; // nor is it known to hang
    const text = "maintenance is on: nothing is taken over, moved or given up until it is off";
    return { done: true, text: `${text}${whoIsAway(table)}${whoHangs(unheard)}${whatIsUnheld(table, unheard)}` };
  }

  /** Hosts that are here, and have not shown since that they go on. */
  private unheard({ hosts, expelled }: CoverTable): readonly HostRecord[] {
    return [...hosts.values()].filter(({ member }) => !expelled.has(member) && (this.beats.get(member) ?? 0) < 2);
  }
}

const OVERRULED: Outcome = { done: false, text: "another operator has decided otherwise meanwhile" };

function judgeDrain(table: CoverTable, name: HostName): Outcome | undefined {
  const host = table.hostNamed(name);
  if (host === undefined) return { done: true, text: `${name} has gone` };
  if (!host.drained)
    return { done: false, text: `${name} is the last that can hold some vip: --force lets it go uncovered` };
  const left = holdingsOf(table, host.member);
  if (left.length > 0) return undefined;
  const uncovered = [...table.entries.values()].filter((entry) => table.isInForce(entry) && entry.owner === undefined);
  const moving = [...table.entries.values()].some(
    ({ owner, acked, number }) => owner !== undefined && acked !== number,
  );
  if (moving) return undefined;
  const rest =
    uncovered.length === 0 ? "" : `; uncovered: ${uncovered.map(({ definition }) => definition.name).join(", ")}`;
  return { done: true, text: `${name} holds nothing any more${rest}` };
}

function judgeMove(table: CoverTable, vip: string, name: HostName): Outcome | undefined {
  const entry = table.vipNamed(vip);
  const host = table.hostNamed(name);
  if (entry === undefined || host === undefined || entry.owner !== host.member)
    return {
      done: false,
      text: `${vip} did not go to ${name}: mole why ${vip} tells who may hold it`,
      // Nothing is moved to a host that is silent just now.
      passes: host !== undefined && entry !== undefined && table.beats.isQuiet(host.member),
    };
  // It asks the wire each second: that may take for ever.
  if (entry.acked !== entry.number && entry.excused === entry.number)
    return {
      done: false,
      text: `${vip} has been given to ${name}, which does not take it as long as somebody else answers for its address: mole why ${vip}`,
    };
  if (entry.acked !== entry.number || entry.set.size > 1) return undefined;
  return { done: true, text: `${name} holds ${vip}` };
}

function judgeBalance(table: CoverTable): Outcome | undefined {
  const moving = [...table.entries.values()].some(
    ({ owner, acked, number, set }) => owner !== undefined && (acked !== number || set.size > 1),
  );
  if (moving || nextMove(table) !== undefined || heldDown(table).length > 0) return undefined;
  return { done: true, text: "no single move would make it better" };
}

/** Hosts that are given nothing yet, where something will go to them. */
function heldDown(table: CoverTable): readonly HostName[] {
  const move = nextMove(table, () => true);
  if (move === undefined) return [];
  return [...table.hosts.values()]
    .filter(({ facts, drained }) => !facts.ready && !facts.stopping && !drained)
    .map(({ identity }) => identity.host);
}

function judgeMaintenanceOff(table: CoverTable): Outcome | undefined {
  if (table.maintenance.on) return OVERRULED;
  if (unleasedHere(table).length > 0) return undefined; // each host leases again first
  const names = keepers(table).join(", ");
  const nameless = namelessKeepers(table);
  if (names === "" && nameless === undefined)
    return { done: true, text: "maintenance is off: everything is guarded again" };
  const keeps = `; ${names} went away in it and keeps its vips until it is back: --force gives them up`;
  return {
    done: true,
    text: `maintenance is off${names === "" ? "" : keeps}${nameless === undefined ? "" : `; ${nameless}`}`,
  };
}

function unleasedHere({ unleased, hosts }: CoverTable): readonly HostRecord[] {
  return [...hosts.values()].filter(({ member }) => unleased.has(member));
}

/** Maintenance that a part of the hosts has not heard of is none there. */
function whoIsAway(table: CoverTable): string {
  const here = new Set([...table.hosts.values()].map(({ identity }) => identity.host));
  const deaf = table.hostList.hosts.filter((host) => !here.has(host));
  if (deaf.length === 0) return "";
  const those = deaf.length === 1 ? "that is" : "those are";
  return `. NOT HEARD BY ${deaf.join(", ")}: if ${those} running and only cut off, it goes on there as before, and takes over what is held here`;
}

/** Nobody is thrown out under maintenance, and who has not heard of it has not lifted its leases. */
function whoHangs(unheard: readonly HostRecord[]): string {
  if (unheard.length === 0) return "";
  return `. SILENT: ${unheard.map(nameOf).join(", ")}: who hangs has not heard it, and what it holds ends with its leases`;
}

function whatIsUnheld(table: CoverTable, unheard: readonly HostRecord[]): string {
  const isMissed = (entry: Entry) => {
    if (!table.isInForce(entry) || (entry.owner !== undefined && table.waited.get(entry.owner)?.why === "kept"))
      return false;
    return !table.isHeld(entry) || unheard.some(({ member }) => member === entry.owner);
  };
  const names = [...table.entries.values()].filter(isMissed).map(({ definition }) => definition.name);
  if (names.length === 0) return "";
  return `. NOBODY TAKES ${names.join(", ")} before it is off: end it again, unless you can do without`;
}

function nameOf({ identity }: HostRecord): HostName {
  return identity.host;
}

function holdingsOf(table: CoverTable, member: Member): readonly string[] {
  return [...table.entries.values()].filter(({ set }) => set.has(member)).map(({ definition }) => definition.name);
}
