import type { Random } from "./random.ts";

/** How long to wait between tries: doubled each time from `firstMs` to `mostMs`, each wait shortened at random by up to `jitter` of itself. */
export interface BackOffRule {
  readonly firstMs: number;
  readonly mostMs: number;
  /** 0 to 1: the part of each wait that is left to chance, so that a thousand clients of a dead daemon don't come back in one moment. */
  readonly jitter: number;
}

/** Every connection of ours waits by this rule unless the config says otherwise. */
export const DEFAULT_BACK_OFF: BackOffRule = { firstMs: 50, mostMs: 5_000, jitter: 0.5 };

/** The waits of one run of failures. `reset` when a try has held. */
export class BackOff {
  #failures = 0;

  constructor(
    readonly rule: BackOffRule,
    private readonly random: Random,
  ) {}

  /** Milliseconds to wait before the next try; each call counts as one more failure. */
  nextMs(): number {
    const full = Math.min(this.rule.mostMs, this.rule.firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return full * (1 - this.rule.jitter * this.random());
  }

  reset(): void {
    this.#failures = 0;
  }
}
