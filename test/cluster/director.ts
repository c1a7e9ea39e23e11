// What happens to a cluster in a soak: faults by chance, each followed by its end, one ailment a host at a time. Pure but for its seed: it says what to
// do, and what would make all well again.
import type { Random } from "../../lib/base/random.ts";

/** Faults of one host with what ends them. Weights: how often. */
const AILMENTS = [
  { begins: "cable pulled", ends: "cable plugged", weight: 3 },
  { begins: "corosync killed", ends: "corosync started", weight: 3 },
  { begins: "corosync frozen", ends: "corosync thawed", weight: 3 },
  { begins: "spreadd killed", ends: "spreadd started", weight: 3 },
  { begins: "spreadd frozen", ends: "spreadd thawed", weight: 2 },
  { begins: "frozen", ends: "thawed", weight: 2 },
  { begins: "gone", ends: "back", weight: 2 },
] as const;

const BY_WEIGHT = AILMENTS.flatMap((ailment) => Array<(typeof AILMENTS)[number]>(ailment.weight).fill(ailment));

export class Director {
  readonly #ailing = new Map<string, (typeof AILMENTS)[number]>();
  #isParted = false;

  constructor(
    private readonly hosts: readonly string[],
    private readonly random: Random,
  ) {}

  /** The next line of the story. */
  next(): string {
    const { random } = this;
    if (random() < 0.3) return this.#network();
    const host = this.#pick(this.hosts);
    const ailment = this.#ailing.get(host);
    if (ailment !== undefined) {
      this.#ailing.delete(host);
      return `${host} ${ailment.ends}`;
    }
    const begun = this.#pick(BY_WEIGHT);
    this.#ailing.set(host, begun);
    return `${host} ${begun.begins}`;
  }

  /** The lines that end all that is wrong. */
  calm(): readonly string[] {
    const lines = [...this.#ailing].map(([host, { ends }]) => `${host} ${ends}`);
    this.#ailing.clear();
    if (this.#isParted) lines.unshift("heal");
    this.#isParted = false;
    return lines;
  }

  #network(): string {
    if (this.#isParted && this.random() < 0.6) {
      this.#isParted = false;
      return "heal";
    }
    this.#isParted = true;
    const one = this.hosts.filter(() => this.random() < 0.5);
    const left = one.length === 0 || one.length === this.hosts.length ? [this.#pick(this.hosts)] : one;
    const right = this.hosts.filter((host) => !left.includes(host));
    return `partition ${left.join(" ")} | ${right.join(" ")}`;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }
}
