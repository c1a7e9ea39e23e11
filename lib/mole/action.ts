// What the machine wants done. The runner does it, in order, and never waits in between: what comes of it comes back as an event.
import type { Definition, VipId } from "./definition.ts";
import type { Stored } from "./event.ts";
import type { Member } from "./member.ts";
import type { Message } from "./message.ts";

export type Action =
  /** Open a session, when the group service can be reached; answered by `connected`. Everything has been released before. */
  | { readonly do: "connect" }
  /** End the session, after what was sent has gone out. */
  | { readonly do: "disconnect"; readonly forGood: boolean }
  | { readonly do: "send"; readonly message: Message }
  /**
   * Put the addresses on, for `leaseMs`. The driver asks `mayAcquire` directly before the system call ("dropped" if not), and looks at the clock after it:
   * later than `notAfterMs` it takes them off again ("late").
   */
  | {
      readonly do: "acquire";
      readonly vip: VipId;
      readonly definition: Definition;
      readonly number: number;
      readonly notAfterMs: number;
      readonly leaseMs: number;
    }
  /** Lengthen the leases of all of these, in one write; too late as above. `leaseMs` undefined: lift them (maintenance). */
  | {
      readonly do: "renew";
      readonly vips: readonly VipId[];
      readonly notAfterMs: number;
      readonly leaseMs: number | undefined;
    }
  | { readonly do: "release"; readonly vip: VipId }
  /** Tell the network, now and a few times more. */
  | { readonly do: "announce"; readonly vip: VipId }
  /** Ask on the wire whether somebody has it; answered by `probed`. */
  | { readonly do: "probe"; readonly vip: VipId; readonly definition: Definition }
  /** Send a `timer` event then; replaces the last one. */
  | { readonly do: "wake"; readonly atMs: number }
  | { readonly do: "store"; readonly stored: Stored }
  | { readonly do: "report"; readonly report: Report };

/** What an operator should know. */
export type Report =
  | { readonly about: "outside"; readonly why: string }
  | { readonly about: "refused"; readonly vip: string; readonly forMs: number }
  | { readonly about: "answered"; readonly vip: string }
  /** Another member has this host's name; and perhaps its machine id as well. */
  | { readonly about: "name taken"; readonly by: Member; readonly machine: string; readonly isSameMachine: boolean }
  | { readonly about: "expelled"; readonly member: string; readonly why: string }
  | { readonly about: "command"; readonly done: boolean; readonly text: string };
