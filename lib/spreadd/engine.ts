// The contract between the daemon and what orders its events. An engine takes requests of this host's sessions and delivers the requests of all hosts'
// sessions in one order; it knows which hosts there are. It knows nothing of groups. `LocalEngine` is a ring of one; what spans hosts comes behind the
// same contract, and the suite in test/spreadd/engine-contract.ts holds any engine to it:
//
// 1. After `start`, the sink hears `ring` before anything else, and again whenever the hosts change.
// 2. What is submitted is delivered exactly once on each host of the ring, its own included, in the same order everywhere; what one session submits,
//    in the order of its submissions. That serves unreliable to agreed alike.
// 3. `submit` returns at once, always takes what it is given, and may deliver from within. Who looks at `isFull` before stops in time:
//    while it is true, submitters wait for `ready`. `deliver` may submit, when it is done with its own event.
// 4. Bytes submitted are the engine's, and bytes delivered may be kept: neither ever changes again. The view itself is refilled for the next frame.
// 5. Frames are in this daemon's byte order, and checked: an engine carries bytes from hosts that it trusts.
// 6. When the engine can go on no more, `failed` is the last that is heard of it. After `stop` nothing is delivered.
//
// And where an engine spans hosts:
//
// 7. A change of the ring is `transition` (where hosts are lost: what comes from here to `ring` may have missed them), then what was still held back of the
//    old ring, then `snapshot`: all hosts that come to the new ring with the same `set` have been delivered exactly the same up to there since the ring
//    before. Nothing is delivered between `snapshot` and `ring`; what was submitted and had no place in the old ring has one in the new. Where another
//    change comes in between, `transition` and `snapshot` may come again.
// 8. A host whose daemon ends while the ring stands is lost by `transition` and `gone`, with no exchange: all others are told at the same place in the order.
// 9. `outside`: the hosts cannot be reached any more. A `ring` of this host alone follows at once, with whatever was on its way delivered behind it.
// 10. Safe messages are delivered when every host of the ring has them. One that is not yet so holds back what comes after it, but for reliable and
//     unreliable messages.
import type { Fault } from "../base/fault.ts";
import type { FrameView } from "../spread/frame.ts";
import type { DaemonName } from "../spread/names.ts";

/** One host of a ring: the daemon there. */
export interface Host {
  readonly name: DaemonName;
  /** Its id (PROTOCOL.md 11.3): the hash of its name. */
  readonly id: number;
  /** corosync's number of the node that it runs on; of an engine that spans hosts. */
  readonly node?: number;
  /** Tells this run of the daemon from any other: a daemon that was started again is another host. */
  readonly run: string;
}

/** The hosts that get events in one order, from here on. */
export interface Ring {
  /** In the order of the configuration. */
  readonly hosts: readonly Host[];
  /** This host's place among them. */
  readonly own: number;
  /** When the ring began, Unix seconds: the second word of group ids. Later than that of any ring that any of its hosts was in. */
  readonly time: number;
  /** The other hosts can't be reached: this host waits to be let in again. */
  readonly isOutside?: boolean;
  /** What the hosts bring with them; only where an engine spans hosts. */
  readonly merge?: Merge;
}

/** What was agreed on at the beginning of a ring. Indexed as its hosts. */
export interface Merge {
  /** What each host's `snapshot` gave; empty of one that is new. */
  readonly snapshots: readonly Uint8Array[];
  /** The same on all hosts of this ring, and on hardly any other's. */
  readonly salt: number;
  /** Hosts with the same number were delivered the same up to here. */
  readonly sets: readonly number[];
}

/** Who hears what an engine has to say. */
export interface EngineSink {
  ring(ring: Ring): void;
  /** These hosts of the ring, by their places, are lost; they stay in the ring until the next `ring` or `gone`. */
  transition(lost: readonly number[]): void;
  /** What other hosts need to know of this one's sessions, as of now. The bytes are the engine's. */
  snapshot(): Uint8Array;
  /** A host has left the ring: the places of those behind it move up. */
  gone(host: number): void;
  /** The other hosts cannot be reached. A ring of this host alone follows. @param fault why */
  outside(fault: Fault): void;
  /**
   * The next event.
   * @param host place in the ring of the host it comes from
   * @param slot its session there, as given to `submit`
   */
  deliver(host: number, slot: number, frame: FrameView): void;
  /** Submitters may go on: `isFull` was true, and is no more. */
  ready(): void;
  failed(fault: Fault): void;
}

export interface Engine {
  start(sink: EngineSink): void;
  /** Gives an event to be ordered: a request of the session in `slot`, or the KILL that stands for its end. */
  submit(slot: number, frame: FrameView): void;
  /** A digest of all that was delivered in this ring: the same on hosts that were delivered the same. 0 in a ring of one for good. */
  readonly history: number;
  /** `true` where enough is on its way. */
  readonly isFull: boolean;
  stop(): void;
}
