// What the machine is told. Every event carries `now`, milliseconds of the host's own clock that goes on while it sleeps (CLOCK_BOOTTIME), read when the event
// is handled, not when it came: a process that was stopped must see that it was.
import type { Definition, VipId } from "./definition.ts";
import type { HostName, Member, View } from "./member.ts";
import type { HostList, Maintenance, Message } from "./message.ts";
import type { Bounds, Times } from "./times.ts";

/** What this host is, by its config. */
export interface HostConfig {
  readonly host: HostName;
  readonly machine: string;
  readonly capacity: number;
  readonly mode: "available" | "safe";
  readonly times: Times;
  readonly definitions: readonly Definition[];
  /** All hosts of the cluster, for majorities. */
  readonly hosts: readonly HostName[];
  readonly tiebreak: HostName | undefined;
}

/** What is kept on disk. */
export interface Stored {
  readonly hostList: HostList;
  readonly maintenance: Maintenance;
  /** Its leases are lifted for that, and addresses outlive the mole. */
  readonly lifted: boolean;
  /** Since a maintenance somebody may be away who holds without a lease (unreturned.ts). */
  readonly unreturned: boolean;
  /** The longest silence and lease that any member has ever told: a host that is frozen when this one restarts can't tell it again. */
  readonly longest: Bounds;
}

/** Of a host that has never run. */
export const NOTHING_STORED: Stored = {
  hostList: { version: 0, hosts: [], tiebreak: undefined, former: [] },
  maintenance: { counter: 0, on: false },
  lifted: false,
  unreturned: false,
  longest: { silenceMs: 0, leaseMs: 0 },
};

export type Command =
  | { readonly do: "drain"; readonly host: HostName; readonly force: boolean }
  | { readonly do: "resume"; readonly host: HostName }
  | { readonly do: "move"; readonly vip: string; readonly host: HostName }
  | { readonly do: "balance" }
  | { readonly do: "maintenance"; readonly on: boolean; readonly force: boolean }
  | { readonly do: "forget"; readonly host: HostName }
  | { readonly do: "stop" };

/** What became of an order to the driver. */
export type Driven =
  | "acquired"
  | "released"
  /** Asked again directly before the system call, the machine said no. */
  | "dropped"
  /** The system would not. */
  | "failed"
  /** The call ended after `notAfterMs`: the address has been deleted. */
  | "late";

export type MoleEvent = { readonly now: number } & (
  | { readonly on: "start"; readonly held: readonly Definition[] }
  | { readonly on: "connected"; readonly member: Member; readonly incarnation: number }
  | { readonly on: "disconnected" }
  | { readonly on: "view"; readonly view: View }
  | { readonly on: "transitional" }
  | { readonly on: "message"; readonly from: Member; readonly message: Message }
  | { readonly on: "timer" }
  | { readonly on: "driven"; readonly vip: VipId; readonly did: Driven }
  | { readonly on: "probed"; readonly vip: VipId; readonly answered: boolean }
  | { readonly on: "health"; readonly vip: string; readonly ok: boolean }
  | { readonly on: "carrier"; readonly vip: string; readonly up: boolean }
  | { readonly on: "config"; readonly config: HostConfig }
  | { readonly on: "command"; readonly command: Command }
  /** This is on disk by now. */
  | { readonly on: "stored"; readonly stored: Stored }
);
