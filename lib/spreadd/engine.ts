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
import type { Fault } from "../base/fault.ts";
import type { FrameView } from "../spread/frame.ts";
import type { DaemonName } from "../spread/names.ts";

/** One host of a ring: the daemon there. */
export interface Host {
  readonly name: DaemonName;
  /** Its id (PROTOCOL.md 11.3): the hash of its name. */
  readonly id: number;
}

/** The hosts that get events in one order, from here on. */
export interface Ring {
  /** In the order of the configuration. */
  readonly hosts: readonly Host[];
  /** This host's place among them. */
  readonly own: number;
  /** When the ring began, Unix seconds: the second word of group ids. */
  readonly time: number;
}

/** Who hears what an engine has to say. */
export interface EngineSink {
  ring(ring: Ring): void;
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
  /** `true` where enough is on its way. */
  readonly isFull: boolean;
  stop(): void;
}
