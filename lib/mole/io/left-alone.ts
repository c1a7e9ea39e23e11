// Vips that this host leaves to a holder whom the group can't hear, and that answers on the wire. Each is asked for again until nobody answers; or until the group itself
// knows who holds it: then it is that one who answers, and by right.
import type { VipId } from "../definition.ts";
import type { Member } from "../member.ts";

/** As the machine asks for what it does not take. */
const ASK_AGAIN_MS = 1_000;

export interface LeftAloneOptions {
  /** Whether somebody on the wire has it. */
  readonly asks: (vip: VipId) => Promise<boolean>;
  /** Another member that holds it, by the table in force. */
  readonly holderOf: (vip: VipId) => Member | undefined;
  /** It is left alone no more. */
  readonly onEnd: (vip: VipId) => void;
  /** @default 1 s */
  readonly everyMs?: number;
}

interface Left {
  timer: ReturnType<typeof setTimeout>;
  /** Who held it by the table when it was last looked at. */
  holder: Member | undefined;
}

export class LeftAlone implements Disposable {
  readonly #left = new Map<VipId, Left>();

  constructor(private readonly options: LeftAloneOptions) {}

  get vips(): readonly VipId[] {
    return [...this.#left.keys()];
  }

  has(vip: VipId): boolean {
    return this.#left.has(vip);
  }

  add(vip: VipId): void {
    clearTimeout(this.#left.get(vip)?.timer);
    this.#plan(vip, undefined);
  }

  end(vip: VipId): void {
    clearTimeout(this.#left.get(vip)?.timer);
    if (this.#left.delete(vip)) this.options.onEnd(vip);
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#left.values()) clearTimeout(timer);
    this.#left.clear();
  }

  #plan(vip: VipId, holder: Member | undefined): void {
    const timer = setTimeout(() => void this.#look(vip), this.options.everyMs ?? ASK_AGAIN_MS);
    this.#left.set(vip, { timer, holder });
  }

  /** A member that has just taken it may be about to find out the same, and lets it go then: it counts when it holds it at the next look too. */
  async #look(vip: VipId): Promise<void> {
    const before = this.#left.get(vip);
    if (before === undefined) return;
    const holder = this.options.holderOf(vip);
    if (holder !== undefined && holder === before.holder) this.end(vip);
    else if (holder !== undefined) this.#plan(vip, holder);
    else {
      const isAnswered = await this.options.asks(vip);
      if (this.#left.get(vip) !== before) return;
      if (isAnswered) this.#plan(vip, undefined);
      else this.end(vip);
    }
  }
}
