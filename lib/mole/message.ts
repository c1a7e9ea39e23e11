// What moles say to each other in the group.
//
// *Facts* are about the sender and hold in whatever view they arrive (`facts`, `answer`, `farewell`, `mature`, `drain`...). *Decisions* (`move`, `expel`)
// and what belongs to one exchange (`state`, `table`) carry the view and are void in another. Anything else breaks: a `released` that was sent in one view
// and is delivered in the next must count, or nobody ever acquires; a `move` must not, or it moves what the next view has given elsewhere.
//
// Answers name the number that they answer and touch nothing that was put in later: an old `released` must not strike a host that has the vip again.
import type { Definition, VipId } from "./definition.ts";
import type { HostName, Member, ViewId } from "./member.ts";
import type { Neighbour } from "./neighbours.ts";
import type { StandingAddress } from "./standing.ts";

/** The version this mole speaks. It reads its own and the one before. */
export const VERSION = 1;
/**
 * The version of the rules by which it computes tables, told in its state where the version of the messages is told too: the next version of these is 4. What all must compute
 * alike from one point on counts where all who told their state have it: 2, an owner that is back under maintenance is its own heir also in an exchange (merge.ts). 3: says
 * that it knows of a maintenance (lifting.ts).
 */
export const RULES_VERSION = 3;

/** Which host a session belongs to. */
export interface Identity {
  readonly host: HostName;
  /** The machine, whatever it calls itself: two machines with one name are a mistake, two sessions of one machine are a restart. */
  readonly machine: string;
  /** Grows with each session of a machine (a time of day in ms will do). */
  readonly incarnation: number;
}

/** Why a host may not have a vip although it defines it. */
export type Unfit = "health" | "carrier";

/** What a host says of itself. The newest (highest serial) counts. */
export interface Facts {
  readonly serial: number;
  readonly capacity: number;
  readonly mode: "available" | "safe";
  readonly silenceMs: number;
  readonly leaseMs: number;
  /** May be given what a live holder has: mature, and held down no more. */
  readonly ready: boolean;
  /** On its way out (SIGTERM): gives up everything in order. */
  readonly stopping: boolean;
  readonly definitions: readonly Definition[];
  /** By vip name. */
  readonly unfit: Readonly<Record<string, Unfit>>;
  /** The configured hosts, sorted, for majorities. */
  readonly hosts: readonly HostName[];
  readonly tiebreak: HostName | undefined;
}

/** The list of hosts in force; of two the higher version counts. */
export interface HostList {
  readonly version: number;
  readonly hosts: readonly HostName[];
  readonly tiebreak: HostName | undefined;
  /** Taken off the list, and not forgotten by an operator: they count for nothing, but one of them may have held something when it went. */
  readonly former: readonly HostName[];
}

/** Whether the cluster is under maintenance; of two the higher counter counts. */
export interface Maintenance {
  readonly counter: number;
  readonly on: boolean;
}

/** A name that stands in sets and is waited for, not for its `released` but for a time. */
export interface Waited {
  readonly name: Member;
  /** "kept": departed under maintenance; waited for until it is back or an operator gives it up. */
  readonly why: "expelled" | "departed" | "kept";
  /** If somebody knows: a newer session of this host strikes the name. */
  readonly identity: Identity | undefined;
}

/** How long the sender would still wait for a name. */
export interface WaitLeft {
  readonly name: Member;
  readonly ms: number;
  /** It counts for the departed too: else a wait from an expulsion would hide the longer one of `safe`. */
  readonly departed: boolean;
}

export interface EntrySnapshot {
  readonly definition: Definition;
  readonly owner: Member | undefined;
  readonly number: number;
  readonly set: readonly (readonly [name: Member, put: number])[];
  readonly acked: number;
  readonly excused: number;
  readonly vacated: boolean;
  readonly pinned: boolean;
  readonly isDoubtful: boolean;
}

export interface HostSnapshot {
  readonly member: Member;
  readonly identity: Identity;
  readonly facts: Facts;
  readonly informed: boolean;
  readonly mature: boolean;
  readonly drained: boolean;
  readonly refusing: readonly VipId[];
}

/** A whole table as it stood at a view. */
export interface Snapshot {
  readonly view: ViewId;
  readonly members: readonly Member[];
  readonly entries: readonly EntrySnapshot[];
  readonly hosts: readonly HostSnapshot[];
  readonly expelled: readonly Member[];
  readonly waited: readonly Waited[];
  readonly unknown: readonly Member[];
  readonly unleased: readonly Member[];
  readonly inForce: readonly string[];
  readonly longest: { readonly silenceMs: number; readonly leaseMs: number };
  readonly warm: boolean;
  readonly covers: boolean;
  readonly knowledge: boolean;
  readonly top: number;
  readonly hostList: HostList;
  readonly maintenance: Maintenance;
  readonly beats: BeatsSnapshot;
}

export interface BeatsSnapshot {
  readonly position: number;
  /** By member: positions of its last three beats, the last first. */
  readonly last: readonly (readonly [Member, number, number, number])[];
}

export interface Holding {
  readonly vip: VipId;
  /** Number at which my name was put in. */
  readonly put: number;
  readonly heldMs: number;
  readonly definition: Definition;
}

/** What an exchange is made of: the truth about the sender, and the table it last had. */
export interface StateMessage {
  readonly kind: "state";
  /** The highest version the sender speaks: all speak the lowest that any host has told. */
  readonly version: number;
  readonly view: ViewId;
  readonly identity: Identity;
  readonly facts: Facts;
  readonly mature: boolean;
  readonly drained: boolean;
  readonly refusing: readonly VipId[];
  /** Every vip I may hold, or am still letting go. Not named: I do not hold it. */
  readonly holds: readonly Holding[];
  /** Under maintenance a newcomer keeps what it holds. */
  readonly adopts: boolean;
  /** `undefined`: never had one in this session. */
  readonly table: Snapshot | undefined;
  readonly waits: readonly WaitLeft[];
  /** How many came together into this view with me. */
  readonly together: number;
  /** Who joined alone since the last network view, and is not waited for; `undefined` if I can't know. */
  readonly lone: readonly Member[] | undefined;
  /** Members of this view that I know to be expelled. */
  readonly expelled: readonly Member[];
  /** Members whose holdings my table knows. */
  readonly knows: readonly Member[];
  readonly hostList: HostList;
  readonly maintenance: Maintenance;
}

export type Missing =
  | { readonly what: "beat"; readonly after: number }
  | { readonly what: "state" }
  | { readonly what: "released" | "acquired"; readonly vip: VipId; readonly number: number };

export interface Answer {
  readonly kind: "answer";
  /** "I don't hold it": also "I never took it". */
  readonly released: readonly (readonly [VipId, number])[];
  /** "I hold it", and the waited-for names whose waits had run out. */
  readonly acquired: readonly (readonly [vip: VipId, number: number, cleared: readonly Member[]])[];
  /** "I can't take it." */
  readonly refused: readonly (readonly [VipId, number])[];
  /** "I can't take it yet: somebody outside the group answers for it." */
  readonly excused: readonly (readonly [VipId, number])[];
  /** "I would take it again." */
  readonly willing: readonly VipId[];
}

export type Message =
  | { readonly kind: "beat"; readonly view: ViewId; readonly number: number; readonly table: boolean }
  | StateMessage
  | {
      /** The table as it stood at the view, for who joined since; or, `begun`, an empty one where nobody ever had any. */
      readonly kind: "table";
      readonly view: ViewId;
      readonly begun: boolean;
      readonly table: Snapshot | undefined;
      readonly waits: readonly WaitLeft[];
    }
  | { readonly kind: "facts"; readonly facts: Facts }
  | Answer
  /** I hold nothing and shall never again in this session: sent last of all, by the mole or its guard. */
  | { readonly kind: "farewell" }
  | { readonly kind: "mature" }
  /** After maintenance: what I hold has leases again. */
  | { readonly kind: "leased" }
  | { readonly kind: "drain"; readonly host: HostName; readonly on: boolean; readonly force: boolean }
  | {
      readonly kind: "move";
      readonly view: ViewId;
      readonly vip: VipId;
      readonly number: number;
      readonly to: Member;
      /** An operator's wish: balancing leaves it where it is. */
      readonly pinned: boolean;
    }
  | { readonly kind: "balance" }
  | { readonly kind: "expel"; readonly view: ViewId; readonly member: Member; readonly missing: Missing }
  | { readonly kind: "maintenance"; readonly state: Maintenance; readonly force: boolean }
  | { readonly kind: "forget"; readonly host: HostName }
  /** I go by this list of hosts, or a later one: said where a new one is wished for. Moles of the version before can't read it, and say nothing like it. */
  | { readonly kind: "listed"; readonly version: number }
  /** I know of this maintenance, and have it on disk: said in `safe`. Moles of the version before can't read it, and say nothing like it. */
  | { readonly kind: "maintained"; readonly counter: number }
  /** Somebody may be away who holds without a lease: said to a table that can't name it (unreturned.ts). Moles of the version before can't read it. */
  | { readonly kind: "unreturned" };

/** What the machine does not look at: whom a host has spoken with on the wire lately, so that others can tell them of a new holder (neighbours.ts). */
export interface NeighboursMessage {
  readonly kind: "neighbours";
  readonly neighbours: readonly Neighbour[];
  /** Addresses of vips that the sender has by itself (standing.ts); left out where there are none, as by moles that don't know of it. */
  readonly standing?: readonly StandingAddress[] | undefined;
}

/** Everything that goes through the group. */
export type GroupMessage = Message | NeighboursMessage;
