// What two hosts' `cluster check` tell each other. While corosync does not run it goes over corosync's own port, so that what is on the way (cables,
// firewalls, sizes) is tried by it; later through a group.
//
//   "sbck1 " MAC(64 hexadecimal) " " JSON, then spaces up to the wanted size
//
// The MAC is HMAC-SHA-256 by a key made from corosync's: whoever has another key is found out, and what he says is not believed. The JSON says what a host
// has, with digests instead of secrets.
import * as v from "valibot";

export const GREETING_VERSION = 1;
const HEAD = "sbck1 ";
const MAC_CHARACTERS = 64;

/** A greeting as large as goes into one Ethernet frame, and one that goes through everything. */
export const GREETING_SIZES = { large: 1_472, small: 1_000 } as const;
export type GreetingSize = keyof typeof GREETING_SIZES;

const greetingShape = v.object({
  from: v.pipe(v.string(), v.maxLength(64)),
  size: v.picklist(["large", "small"]),
  /** Versions of what runs there. */
  spreadbox: v.pipe(v.string(), v.maxLength(64)),
  corosync: v.nullable(v.pipe(v.string(), v.maxLength(64))),
  /** Digests: of corosync.conf, of the mole's key. */
  conf: v.nullable(v.pipe(v.string(), v.maxLength(64))),
  moleKey: v.nullable(v.pipe(v.string(), v.maxLength(64))),
  /** The sender's wall clock, milliseconds. */
  at: v.number(),
  /** Of each host that it heard: the time in its last greeting, how long ago that came, and whether a large one came. */
  heard: v.record(v.string(), v.object({ at: v.number(), heldMs: v.number(), large: v.boolean() })),
});

export type Greeting = v.InferOutput<typeof greetingShape>;

/** @param mac of the text, 64 hexadecimal digits  @param size bytes, at least: spaces fill it */
export function writeGreeting(greeting: Greeting, mac: (text: string) => string, size: number): string {
  const json = JSON.stringify(greeting);
  return `${HEAD}${mac(json)} ${json}`.padEnd(size);
}

export type GreetingRead =
  | { readonly is: "good"; readonly greeting: Greeting }
  /** It is one, by another key. */
  | { readonly is: "other-key" }
  | { readonly is: "none" };

/** Reads what anybody may have sent. */
export function readGreeting(text: string, mac: (text: string) => string): GreetingRead {
  if (!text.startsWith(HEAD) || text.length > 65_536) return { is: "none" };
  const json = text.slice(HEAD.length + MAC_CHARACTERS + 1).trimEnd();
  if (mac(json) !== text.slice(HEAD.length, HEAD.length + MAC_CHARACTERS)) return { is: "other-key" };
  try {
    const found = v.safeParse(greetingShape, JSON.parse(json));
    return found.success ? { is: "good", greeting: found.output } : { is: "none" };
  } catch {
    return { is: "none" };
  }
}

/** What one host knows of another after they have talked. */
export interface PeerKnowledge {
  readonly name: string;
  /** Its last greeting; `undefined`: nothing came that we believe. */
  readonly greeting: Greeting | undefined;
  /** Something came that was made with another key. */
  readonly hasOtherKey: boolean;
  /** Something came that is no greeting: its corosync, for it is that one's port. */
  readonly hasCorosync: boolean;
  readonly gotLarge: boolean;
  /** It says that it hears us, with large ones or without. */
  readonly hearsUs: boolean;
  readonly hearsLarge: boolean;
  /** Its clock minus ours, and how exactly that is known, milliseconds. */
  readonly clock: { readonly offsetMs: number; readonly roundTripMs: number } | undefined;
}

/** Keeps what was heard of one other host. */
export class PeerBook {
  #greeting: Greeting | undefined;
  #heardMs = 0;
  #hasOtherKey = false;
  #hasCorosync = false;
  #gotLarge = false;
  #clock: PeerKnowledge["clock"];

  constructor(
    readonly name: string,
    private readonly own: string,
  ) {}

  otherKey(): void {
    this.#hasOtherKey = true;
  }

  corosync(): void {
    this.#hasCorosync = true;
  }

  heard(greeting: Greeting, nowMs: number): void {
    this.#greeting = greeting;
    this.#heardMs = nowMs;
    if (greeting.size === "large") this.#gotLarge = true;
    const ours = greeting.heard[this.own];
    if (ours === undefined) return;
    const roundTripMs = nowMs - ours.at - ours.heldMs;
    if (roundTripMs < 0 || roundTripMs >= (this.#clock?.roundTripMs ?? Number.POSITIVE_INFINITY)) return;
    this.#clock = { offsetMs: greeting.at + roundTripMs / 2 - nowMs, roundTripMs };
  }

  /** What goes into our next greetings of it. */
  acknowledgement(nowMs: number): Greeting["heard"][string] | undefined {
    if (this.#greeting === undefined) return undefined;
    return { at: this.#greeting.at, heldMs: nowMs - this.#heardMs, large: this.#gotLarge };
  }

  get knowledge(): PeerKnowledge {
    const ours = this.#greeting?.heard[this.own];
    return {
      name: this.name,
      greeting: this.#greeting,
      hasOtherKey: this.#hasOtherKey,
      hasCorosync: this.#hasCorosync,
      gotLarge: this.#gotLarge,
      hearsUs: ours !== undefined,
      hearsLarge: ours?.large === true,
      clock: this.#clock,
    };
  }

  /** All is known. */
  get isComplete(): boolean {
    const { hearsUs, hearsLarge, gotLarge, clock } = this.knowledge;
    return hearsUs && hearsLarge && gotLarge && clock !== undefined;
  }
}
