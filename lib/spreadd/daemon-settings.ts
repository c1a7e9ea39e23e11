import type { DaemonName } from "../spread/names.ts";
import type { AccessRule, GroupPatterns } from "./access.ts";
import type { Authentication, Password } from "./authentication.ts";
import type { FlowRule } from "./flow-control.ts";

/** How soon a dead peer is noticed in groups with a rule of their own. */
export interface GroupTimeout {
  readonly groups: GroupPatterns;
  readonly timeoutMs: number;
}

export interface DaemonSettings {
  readonly name: DaemonName;
  readonly sessionsMax: number;
  /** Groups that one session may be in. */
  readonly sessionGroupsMax: number;
  readonly authentication: Authentication;
  readonly isPassword: (password: Password) => boolean;
  readonly access: readonly AccessRule[];
  readonly sessionTimeoutMs: number;
  readonly groupTimeouts: readonly GroupTimeout[];
  readonly flow: FlowRule;
  readonly outside: OutsideRule;
}

/** What becomes of sessions when the other hosts can't be reached. */
export interface OutsideRule {
  /** They stay, and get views of this host alone. Else they are disconnected, as by a daemon's death. */
  readonly holds: boolean;
  /** Members of these groups are disconnected in any case. */
  readonly butNot: GroupPatterns;
}
