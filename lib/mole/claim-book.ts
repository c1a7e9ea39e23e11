// Who outside of us has claimed a vip's address on the wire, and when. Pure.

/** Of the same claimant the operator is told again after so long; and for so long its claim makes the address disputed. */
const AGAIN_MS = 60_000;
/** Anybody can claim: so many addresses at most are kept. */
const KEPT_MAX = 1_024;

export interface Claim {
  readonly mac: string;
  readonly atMs: number;
}

/** Who answers for an address. */
export interface Claimant {
  readonly address: string;
  readonly mac: string;
}

export class ClaimBook {
  readonly #claims = new Map<string, Claim & { readonly toldMs: number }>();

  /**
   * Notes a claim.
   * @param isHeld whether we hold the address just now
   * @returns whether the operator is to be told: we hold it, and he was not told of this claimant lately
   */
  note(address: string, mac: string, isHeld: boolean, atMs: number): boolean {
    const before = this.#claims.get(address);
    const isKnown = before?.mac === mac && atMs - before.toldMs < AGAIN_MS;
    const toldMs = !isHeld ? Number.NEGATIVE_INFINITY : isKnown ? before.toldMs : atMs;
    if (before === undefined && this.#claims.size >= KEPT_MAX) this.#claims.clear();
    this.#claims.set(address, { mac, atMs, toldMs });
    return isHeld && !isKnown;
  }

  /** The last one of an address. */
  of(address: string): Claim | undefined {
    const claim = this.#claims.get(address);
    return claim && { mac: claim.mac, atMs: claim.atMs };
  }

  isDisputed(address: string, nowMs: number): boolean {
    return nowMs - (this.#claims.get(address)?.atMs ?? Number.NEGATIVE_INFINITY) < AGAIN_MS;
  }

  clear(): void {
    this.#claims.clear();
  }
}
