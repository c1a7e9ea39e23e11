// What the runner asks of the host: addresses, leases, announcements, probes, the guard; and what the host tells it. The real one is `openKernelDriver(options)` of `kernel-driver.ts`.
//
// All calls return when it is done: an rtnetlink request is carried out inside of the system call, in some 10 us. There is no queue, so nothing waits in one.
// The driver decides one thing only, because only here it can be decided: it reads CLOCK_BOOTTIME directly before and after a system call that puts an address
// on or lengthens its lease; after `notAfterMs` the address is deleted at once ("late").
import type { IpNetwork } from "../../base/ip-address.ts";
import type { Claimant } from "../claim-book.ts";
import type { Definition, VipId } from "../definition.ts";
import type { Neighbour } from "../neighbours.ts";
import type { StandingAddress } from "../standing.ts";

export interface DriverOptions {
  /** Whom to tell besides the broadcast: addresses, and networks address by address, so many frames a second. */
  readonly notify: readonly IpNetwork[];
  readonly notifyPerSecond: number;
  /** Told in one call at a time, never from inside of a call to the driver. */
  readonly onEvent: (event: DriverEvent) => void;
}

export type DriverEvent =
  /** The vip's devices (all of them) have a carrier, or not. Told once for every vip after `configure`, then at each change. Fits the machine's event. */
  | { readonly on: "carrier"; readonly vip: string; readonly up: boolean; readonly why: string }
  /** What became of it later: "failed" for an address that is taken away time and again while it is held, "released" after a `release` that had to be retried. */
  | { readonly on: "driven"; readonly vip: VipId; readonly did: "failed" | "released" | "late"; readonly why: string }
  /** What came of a `confirm`: whether somebody else has it too, and who. */
  | { readonly on: "confirmed"; readonly vip: VipId; readonly isAnswered: boolean; readonly why: string }
  /** Somebody on this host removed an address that we hold. It has been put back and announced, unless `isRefused`: the third time in a minute. */
  | { readonly on: "taken-away"; readonly vip: string; readonly address: string; readonly isRefused: boolean }
  /** Somebody else on the wire says that it has an address that we hold. Told once a minute for each address and sender. */
  | {
      readonly on: "foreign";
      readonly vip: string;
      readonly address: string;
      readonly device: string;
      readonly mac: string;
      readonly by: "arp" | "nd";
    }
  /** What `standing` gives has changed. */
  | { readonly on: "standing" }
  /** Something an operator should know: the guard died and was started again, notifications were lost. One line. */
  | { readonly on: "trouble"; readonly text: string };

export type Acquired = "acquired" | "dropped" | "failed" | "late";

/** A session's socket, for the guard. */
export interface GuardedSession {
  /** Of the connected socket; duplicated at once, so it need not stay open. */
  readonly socketFd: number;
  /** Bytes for the socket, to be sent after a death when the addresses are gone: a ready-made frame that says so. */
  readonly lastWords?: Uint8Array | undefined;
}

export interface Driver extends Disposable {
  /**
   * Which vips this host should know: their devices are watched, foreign claims to them noticed. Of a vip that is held and no longer here the driver remembers all
   * that it needs. Carrier events follow for each.
   */
  configure(definitions: readonly Definition[]): void;

  /**
   * Looks for addresses of ours that an earlier life has left. Without maintenance they are removed, all of them; call it before the first session.
   * Under maintenance they stay, those of known definitions count as held from now on (without a lease until `renew`), and those are returned: the `held` of the
   * machine's `start`.
   */
  found(definitions: readonly Definition[], isMaintained: boolean): readonly Definition[];

  /**
   * Puts the addresses on, with a lease. `mayAcquire` is asked directly before the system call. What is on the host already and not ours is not touched: "failed".
   * Nothing of a vip is on after anything but "acquired".
   * @param leaseMs    whole seconds are used, rounded down
   * @param notAfterMs by CLOCK_BOOTTIME (`bootMs` of lib/run/clock.ts)
   */
  acquire(definition: Definition, leaseMs: number, notAfterMs: number, mayAcquire: () => boolean): Acquired;

  /**
   * Lengthens leases, all addresses of a device in one write. `leaseMs` undefined lifts them (maintenance; the guard then leaves addresses alone).
   * A lease that has been lengthened just now (a fraction of `leaseMs` ago) is left as it is.
   * @returns the vips for which it was too late: their addresses have been deleted
   */
  renew(vips: readonly VipId[], leaseMs: number | undefined, notAfterMs: number): readonly VipId[];

  /** Takes the addresses off and ends their announcement. @returns `false` where the kernel would not: it is retried, and told by "driven" */
  release(vip: VipId): boolean;

  /** Tells the network that a held vip is here: at once, after 1.1 s, and a few times more. Begins anew each time; ended by `release`. */
  announce(vip: VipId): void;

  /** Asks the wire whether somebody else has one of the addresses. Takes a tenth of a second; `false` where nobody answers, or the wire can't be asked. */
  probe(definition: Definition): Promise<boolean>;

  /** Asks the wire who else has its addresses. Takes a tenth of a second; none where the wire can't be asked, or the vip is not one of the configured. */
  claimants(definition: Definition): Promise<readonly Claimant[]>;

  /**
   * Asks the wire once, after so long, whether somebody else has a held vip too; told by "confirmed". Ended by `release`.
   * @param afterMs `undefined`: not any more
   */
  confirm(vip: VipId, afterMs: number | undefined): void;

  /** Whom this host has spoken with lately on the vips' devices, by its neighbour tables: at most NEIGHBOURS_TOLD_MAX, for other members. */
  neighbours(): readonly Neighbour[];

  /** What another member's `neighbours` were: they are told in person by `announce`. */
  pool(told: readonly Neighbour[]): void;

  /**
   * Starts a guard for a new session; call it before the session's first acquire. The guard holds a duplicate of its socket, so the daemon sees no end of it when
   * this process dies, until the addresses are gone. For the same reason closing the socket is not enough to end a session of a live process: `endSession` shuts
   * it down. A guard of an earlier session is replaced.
   * @throws {Fault} it can't be started
   */
  beginSession(session: GuardedSession): void;

  /** Maintenance: whether the guard ends without last words. Whoever dies is waited for then, and is given back what was its own. */
  hush(isSilent: boolean): void;

  /** Shuts the session's socket down (what was written before goes out) and ends the guard, who leaves addresses alone. All must have been released before. */
  endSession(): void;

  /**
   * Of the configured vips: what keeps them from ever being taken here, for this host has an address of theirs by itself, or would go on answering for it when they go; and what to do.
   * Costs no system call.
   */
  conflicts(): readonly string[];

  /** Of the configured vips: which have no device here that works, and why; what is told by "carrier". Costs no system call. */
  unplugged(): readonly { readonly vip: string; readonly why: string }[];

  /** Addresses of the configured vips that this host has by itself: for other members. At most STANDING_TOLD_MAX. Costs no system call. */
  standing(): readonly StandingAddress[];

  /** For `mole why`. `undefined` where the driver doesn't know the vip. */
  facts(vip: VipId): VipFacts | undefined;

  /** Ends watching, announcements and the guard. Held addresses stay, until their leases end: release them first. */
  [Symbol.dispose](): void;
}

/** What the kernel and the wire say of a vip. */
export interface VipFacts {
  readonly vip: string;
  readonly isHeld: boolean;
  readonly addresses: readonly AddressFacts[];
  /** CLOCK_BOOTTIME; `undefined` where it was never announced by this process, or never renewed. */
  readonly announcedAtMs: number | undefined;
  readonly renewedAtMs: number | undefined;
  /** How many times an address was taken away while held, in all. */
  readonly takenAway: number;
  /** Why it could not be put on, or kept on, when that was last tried; `undefined` where it could. Left out by a mole of the version before. */
  readonly failure?: { readonly why: string; readonly atMs: number } | undefined;
}

export interface AddressFacts {
  readonly address: string;
  readonly prefixBits: number;
  /** `undefined`: no device has its subnet. */
  readonly device: string | undefined;
  readonly hasCarrier: boolean;
  readonly isPresent: boolean;
  /** By its mark in the kernel. */
  readonly isOurs: boolean;
  /** What is left of its lease; `undefined`: for good, or not present. */
  readonly leaseLeftMs: number | undefined;
  /** Who else has claimed it on the wire, last. */
  readonly foreign: { readonly mac: string; readonly atMs: number } | undefined;
}
