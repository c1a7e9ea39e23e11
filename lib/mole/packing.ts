// A state names every vip's definition once for each host that has it, and once more in the table: of 500 vips on 50 hosts that is 5 MB, of which 100 kB differ.
// So a message goes as `[definitions, message]`, and where a definition belongs there is its index.
import type { Definition } from "./definition.ts";
import type { EntrySnapshot, Facts, GroupMessage, Holding, HostSnapshot, Snapshot, StateMessage } from "./message.ts";

type Packed<T> = Omit<T, "definition"> & { readonly definition: number };
type PackedFacts = Omit<Facts, "definitions"> & { readonly definitions: readonly number[] };
type PackedSnapshot = Omit<Snapshot, "entries" | "hosts"> & {
  readonly entries: readonly Packed<EntrySnapshot>[];
  readonly hosts: readonly (Omit<HostSnapshot, "facts"> & { readonly facts: PackedFacts })[];
};
/** A message with indexes in the place of definitions. */
export type PackedMessage =
  | (Omit<StateMessage, "facts" | "holds" | "table"> & {
      readonly facts: PackedFacts;
      readonly holds: readonly Packed<Holding>[];
      readonly table: PackedSnapshot | undefined;
    })
  | (Omit<Extract<GroupMessage, { kind: "table" }>, "table"> & { readonly table: PackedSnapshot | undefined })
  | { readonly kind: "facts"; readonly facts: PackedFacts }
  | Exclude<GroupMessage, { kind: "state" | "table" | "facts" }>;

/** What JSON makes of a message. */
export function pack(message: GroupMessage): readonly [readonly Definition[], PackedMessage] {
  const index = new Map<string, number>();
  const definitions: Definition[] = [];
  const indexOf = (definition: Definition): number => {
    let at = index.get(definition.digest);
    if (at === undefined) {
      at = definitions.length;
      index.set(definition.digest, at);
      definitions.push(definition);
    }
    return at;
  };
  const packFacts = (facts: Facts) => ({ ...facts, definitions: facts.definitions.map(indexOf) });
  const packSnapshot = (table: Snapshot) => ({
    ...table,
    entries: table.entries.map((entry) => ({ ...entry, definition: indexOf(entry.definition) })),
    hosts: table.hosts.map((host) => ({ ...host, facts: packFacts(host.facts) })),
  });
  switch (message.kind) {
    case "state": {
      const holds = message.holds.map((hold) => ({ ...hold, definition: indexOf(hold.definition) }));
      const table = message.table && packSnapshot(message.table);
      return [definitions, { ...message, facts: packFacts(message.facts), holds, table }];
    }
    case "table":
      return [definitions, { ...message, table: message.table && packSnapshot(message.table) }];
    case "facts":
      return [definitions, { ...message, facts: packFacts(message.facts) }];
    default:
      return [definitions, message];
  }
}

/**
 * Puts the definitions back in.
 * @param packed a message of the right shape, with indexes
 * @returns `undefined` where an index leads nowhere
 */
export function unpack(definitions: readonly Definition[], packed: PackedMessage): GroupMessage | undefined {
  let isWrong = false;
  // Hosts that define the same share one list: who compares lists need not look twice.
  const lists = new Map<string, readonly Definition[]>();
  const at = (index: number): Definition => {
    const definition = definitions[index];
    isWrong ||= definition === undefined;
    return definition!;
  };
  const unpackFacts = (facts: PackedFacts): Facts => {
    const key = facts.definitions.join();
    let list = lists.get(key);
    if (list === undefined) {
      list = facts.definitions.map(at);
      lists.set(key, list);
    }
    return { ...facts, definitions: list };
  };
  const unpackSnapshot = (table: PackedSnapshot): Snapshot => ({
    ...table,
    entries: table.entries.map((entry) => ({ ...entry, definition: at(entry.definition) })),
    hosts: table.hosts.map((host) => ({ ...host, facts: unpackFacts(host.facts) })),
  });
  const message = unpackMessage(packed, at, unpackFacts, unpackSnapshot);
  return isWrong ? undefined : message;
}

function unpackMessage(
  packed: PackedMessage,
  at: (index: number) => Definition,
  unpackFacts: (facts: PackedFacts) => Facts,
  unpackSnapshot: (table: PackedSnapshot) => Snapshot,
): GroupMessage {
  switch (packed.kind) {
    case "state": {
      const holds = packed.holds.map((hold) => ({ ...hold, definition: at(hold.definition) }));
      return {
        ...packed,
        facts: unpackFacts(packed.facts),
        holds,
        table: packed.table && unpackSnapshot(packed.table),
      };
    }
    case "table":
      return { ...packed, table: packed.table && unpackSnapshot(packed.table) };
    case "facts":
      return { ...packed, facts: unpackFacts(packed.facts) };
    default:
      return packed;
  }
}
