// The bits of a frame's type (PROTOCOL.md, 5.3), and the words for those that a user chooses.

export const UNRELIABLE = 0x01;
export const RELIABLE = 0x02;
export const FIFO = 0x04;
export const CAUSAL = 0x08;
export const AGREED = 0x10;
export const SAFE = 0x20;
/** The sender gets no copy. Stays visible to the others. */
export const SELF_DISCARD = 0x40;

export const CAUSED_BY_JOIN = 0x0100;
export const CAUSED_BY_LEAVE = 0x0200;
export const CAUSED_BY_DISCONNECT = 0x0400;
export const CAUSED_BY_NETWORK = 0x0800;
export const REGULAR_MEMBERSHIP = 0x1000;
export const TRANSITION = 0x2000;

export const JOIN = 0x0001_0000;
export const LEAVE = 0x0002_0000;
export const KILL = 0x0004_0000;
/** Between daemons only; set by a client it makes the real daemon exit (9.4). */
export const GROUPS = 0x0008_0000;
export const REJECT = 0x0040_0000;
/** An option of the C library's receive call; passes the daemon unchanged. */
export const DROP_RECV = 0x0100_0000;

/** One of these is set in every data message. */
export const DATA_MASK = 0x3f;
export const CAUSE_MASK = 0x0f00;
export const MEMBERSHIP_MASK = 0x3f00;
/** A request has exactly one of these. */
export const REQUEST_MASK = DATA_MASK | JOIN | LEAVE | KILL;

/** How a message is delivered, weakest first. */
export type ServiceType = "unreliable" | "reliable" | "fifo" | "causal" | "agreed" | "safe";

export const SERVICE_TYPES: readonly ServiceType[] = ["unreliable", "reliable", "fifo", "causal", "agreed", "safe"];

const SERVICE_BITS: Readonly<Record<ServiceType, number>> = {
  unreliable: UNRELIABLE,
  reliable: RELIABLE,
  fifo: FIFO,
  causal: CAUSAL,
  agreed: AGREED,
  safe: SAFE,
};

/** The bit of a service type. */
export function serviceBit(type: ServiceType): number {
  return SERVICE_BITS[type];
}

/** The service type of a data frame; where a sender forged several bits, the strongest. `undefined` where there is none. */
export function tryServiceType(service: number): ServiceType | undefined {
  const strongest = 31 - Math.clz32(service & DATA_MASK);
  return SERVICE_TYPES[strongest];
}

/** `true` where exactly one bit of `mask` is set in `service`. */
export function hasOneOf(service: number, mask: number): boolean {
  const bits = service & mask;
  return bits !== 0 && (bits & (bits - 1)) === 0;
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [UNRELIABLE, "UNRELIABLE"],
  [RELIABLE, "RELIABLE"],
  [FIFO, "FIFO"],
  [CAUSAL, "CAUSAL"],
  [AGREED, "AGREED"],
  [SAFE, "SAFE"],
  [SELF_DISCARD, "SELF_DISCARD"],
  [CAUSED_BY_JOIN, "CAUSED_BY_JOIN"],
  [CAUSED_BY_LEAVE, "CAUSED_BY_LEAVE"],
  [CAUSED_BY_DISCONNECT, "CAUSED_BY_DISCONNECT"],
  [CAUSED_BY_NETWORK, "CAUSED_BY_NETWORK"],
  [REGULAR_MEMBERSHIP, "REG_MEMB"],
  [TRANSITION, "TRANSITION"],
  [JOIN, "JOIN"],
  [LEAVE, "LEAVE"],
  [KILL, "KILL"],
  [GROUPS, "GROUPS"],
  [REJECT, "REJECT"],
  [DROP_RECV, "DROP_RECV"],
];

/** The protocol's names of the bits set, lowest first; bits without a name are left out. */
export function flagNames(service: number): string[] {
  return FLAG_NAMES.filter(([bit]) => (service & bit) !== 0).map(([, name]) => name);
}
