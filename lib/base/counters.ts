// The one registry of numbers: `--json`, the metrics endpoint, the control socket and SIGUSR1 all read it, so that they can't differ.
// Counting costs one addition on an object that the hot path holds; names and labels are only read when somebody asks.

export type Labels = Readonly<Record<string, string>>;

/** A number that only grows. */
export class Counter {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

/** One measured number as it stands now. */
export interface Sample {
  /** Without prefix and unit suffix rules of any format: "records_received". */
  readonly name: string;
  readonly kind: "counter" | "gauge";
  /** One line: what is counted. */
  readonly help: string;
  readonly labels: Labels;
  readonly value: number;
}

interface Family {
  readonly kind: Sample["kind"];
  readonly help: string;
  readonly members: Map<string, { readonly labels: Labels; readonly read: () => number; readonly counter?: Counter }>;
}

/** All counters and gauges of a process, by name and labels. */
export class Registry {
  readonly #families = new Map<string, Family>();

  /** The counter of this name and these labels: made at the first call, the same at every other. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    const family = this.#family(name, "counter", help);
    const key = keyOf(labels);
    const known = family.members.get(key)?.counter;
    if (known !== undefined) return known;
    const counter = new Counter();
    family.members.set(key, { labels, read: () => counter.value, counter });
    return counter;
  }

  /** A number that is looked up when somebody asks: a queue's length. The last registered under a name and labels counts. */
  gauge(name: string, help: string, read: () => number, labels: Labels = {}): void {
    this.#family(name, "gauge", help).members.set(keyOf(labels), { labels, read });
  }

  /** Forgets a number, as of a sink that was removed. */
  remove(name: string, labels: Labels = {}): void {
    const family = this.#families.get(name);
    family?.members.delete(keyOf(labels));
    if (family?.members.size === 0) this.#families.delete(name);
  }

  /** Every number as it stands now, by name, then in the order of registration. */
  samples(): Sample[] {
    const samples: Sample[] = [];
    for (const name of [...this.#families.keys()].sort()) {
      const { kind, help, members } = this.#families.get(name)!;
      for (const { labels, read } of members.values()) samples.push({ name, kind, help, labels, value: read() });
    }
    return samples;
  }

  #family(name: string, kind: Sample["kind"], help: string): Family {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = { kind, help, members: new Map() };
      this.#families.set(name, family);
    }
    return family;
  }
}

function keyOf(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map((name) => `${name}\0${labels[name]}`)
    .join("\0\0");
}
