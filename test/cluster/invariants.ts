// What group communication promises, checked on what all clients saw. Pure: a list of lives in, a list of broken promises out.
import type { Entry, Life } from "./record.ts";

type View = Extract<Entry, { was: "view" }>;
type Message = Extract<Entry, { was: "message" }>;

/** Every promise by name, with what breaks it. Empty: all is well. */
export function brokenPromises(lives: readonly Life[]): readonly string[] {
  return [
    ...fromNowhere(lives),
    ...twice(lives),
    ...toStrangers(lives),
    ...viewsDiffer(lives),
    ...orderDiffers(lives),
    ...synchronyBroken(lives),
    ...notDeliveredToSelf(lives),
  ];
}

/** No message out of nowhere: each was sent, by whom it says, to where it says. */
function* fromNowhere(lives: readonly Life[]): Iterable<string> {
  const sent = new Map<string, string>();
  for (const { name, entries } of lives)
    for (const entry of entries) if (entry.was === "sent") sent.set(entry.message, `${name} to ${entry.groups}`);
  for (const { name, entries } of lives)
    for (const entry of entries) {
      if (entry.was !== "message" || sent.get(entry.message) === `${entry.sender} to ${entry.groups}`) continue;
      yield `out of nowhere: ${name} got ${entry.message} of ${entry.sender} to ${entry.groups}; sent was ${sent.get(entry.message) ?? "nothing"}`;
    }
}

function* twice(lives: readonly Life[]): Iterable<string> {
  for (const { name, entries } of lives) {
    const seen = new Set<string>();
    for (const { message } of messagesOf(entries)) {
      if (seen.has(message)) yield `twice: ${name} got ${message} again`;
      seen.add(message);
    }
  }
}

/** Only members of one of its groups get a message. */
function* toStrangers(lives: readonly Life[]): Iterable<string> {
  for (const { name, entries } of lives) {
    const joined = new Set<string>();
    for (const entry of entries) {
      if (entry.was === "view") joined.add(entry.group);
      else if (entry.was === "left") joined.delete(entry.group);
      else if (entry.was === "message" && !entry.groups.some((group) => joined.has(group)))
        yield `to a stranger: ${name} got ${entry.message} to ${entry.groups}, and is in none of them`;
    }
  }
}

/**
 * Views with one id are equal, each member is in its own, and none comes twice. In the midst of a change of the ring a join is told as one to who has lost
 * nobody of the group so far, and as a change of the network, with the transitional signal behind it, to who has: such a view has the same members for both.
 */
function* viewsDiffer(lives: readonly Life[]): Iterable<string> {
  const known = new Map<string, { readonly text: string; readonly by: string }>();
  const interim = new Set<string>();
  for (const { entries } of lives)
    for (const [at, entry] of entries.entries()) {
      const next = entries[at + 1];
      if (entry.was === "view" && entry.cause === "network" && next?.was === "transition" && next.id === entry.id)
        interim.add(keyOf(entry));
    }
  for (const { name, entries } of lives) {
    const seen = new Set<string>();
    for (const view of viewsOf(entries)) {
      const key = keyOf(view);
      if (!view.members.includes(name)) yield `not in its own view: ${name} got ${key} of ${view.members}`;
      if (seen.has(key)) yield `a view twice: ${name} got ${key} again`;
      seen.add(key);
      const sets = view.sets.map((set) => set.join("+")).sort();
      const text = interim.has(key) ? `${view.members}` : `${view.cause} ${view.members} (${sets})`;
      const other = known.get(key);
      if (other === undefined) known.set(key, { text, by: name });
      else if (other.text !== text) yield `views differ: ${key} is ${other.text} to ${other.by}, ${text} to ${name}`;
    }
  }
}

/**
 * One order of all messages and views for everybody: each life's own order is a chain of "before", and all chains together have no circle. Unreliable and
 * reliable messages have no order.
 */
function* orderDiffers(lives: readonly Life[]): Iterable<string> {
  const after = new Map<string, Set<string>>();
  const waits = new Map<string, number>();
  const chains = lives.map(({ name, entries }) => ({ name, chain: entries.flatMap(eventOf) }));
  for (const { chain } of chains) {
    for (const [at, event] of chain.entries()) {
      if (!waits.has(event)) waits.set(event, 0);
      const before = chain[at - 1];
      if (before === undefined) continue;
      const following = after.get(before) ?? new Set();
      after.set(before, following);
      if (following.has(event)) continue;
      following.add(event);
      waits.set(event, waits.get(event)! + 1);
    }
  }
  const ready = [...waits].filter(([, count]) => count === 0).map(([event]) => event);
  for (let event = ready.pop(); event !== undefined; event = ready.pop()) {
    for (const next of after.get(event) ?? []) {
      const left = waits.get(next)! - 1;
      waits.set(next, left);
      if (left === 0) ready.push(next);
    }
    waits.delete(event);
  }
  if (waits.size > 0) yield* contradictions(chains, new Set(waits.keys()));
}

/** Pairs of lives that have two events of a circle in opposite orders; a larger circle is told as such. */
function* contradictions(
  chains: readonly { readonly name: string; readonly chain: readonly string[] }[],
  circle: ReadonlySet<string>,
): Iterable<string> {
  let told = 0;
  const places = chains.map(({ name, chain }) => ({
    name,
    chain: chain.filter((event) => circle.has(event)),
    at: new Map(chain.map((event, at) => [event, at])),
  }));
  for (const one of places)
    for (const other of places)
      for (const [at, event] of one.chain.entries()) {
        const next = one.chain[at + 1];
        if (next === undefined || told >= 5) continue;
        const [first, second] = [other.at.get(event), other.at.get(next)];
        if (first === undefined || second === undefined || first < second) continue;
        told += 1;
        yield `order differs: ${event} before ${next} to ${one.name}, behind it to ${other.name}`;
      }
  if (told === 0)
    yield `order differs: ${circle.size} events go round in a circle, among them ${[...circle].slice(0, 4).join(", ")}`;
}

/** What lies between two views that follow each other in a life. */
interface Passage {
  readonly name: string;
  readonly to: View;
  readonly messages: readonly Message[];
}

/**
 * Virtual synchrony: who goes together from one view to the next got the same messages in between. After a change of the network that holds for those
 * in one set, and who is in one set came from one view.
 */
function* synchronyBroken(lives: readonly Life[]): Iterable<string> {
  const passages = new Map<string, Passage[]>();
  const cameFrom = new Map<string, string>();
  for (const { name, entries } of lives) {
    const before = new Map<string, { readonly view: string; messages: Message[] }>();
    for (const entry of entries) {
      if (entry.was === "message") for (const group of entry.groups) before.get(group)?.messages.push(entry);
      else if (entry.was === "left") before.delete(entry.group);
      else if (entry.was === "view") {
        const from = before.get(entry.group);
        const key = keyOf(entry);
        before.set(entry.group, { view: key, messages: [] });
        cameFrom.set(`${name} ${key}`, from?.view ?? "nowhere");
        if (from === undefined) continue;
        const together = entry.cause === "network" ? ` ${entry.ownSet.join("+")}` : "";
        const passage = `${from.view} to ${key}${together}`;
        const others = passages.get(passage) ?? [];
        others.push({ name, to: entry, messages: from.messages });
        passages.set(passage, others);
      }
    }
  }
  for (const [passage, [first, ...others]] of passages)
    for (const other of others) {
      const difference = firstDifference(first!.messages, other.messages);
      if (difference !== undefined)
        yield `not in synchrony from ${passage}: ${difference}, ${first!.name} got ${first!.messages.length}, ${other.name} ${other.messages.length}`;
    }
  for (const { name, entries } of lives)
    for (const view of viewsOf(entries)) {
      if (view.cause !== "network") continue;
      const own = cameFrom.get(`${name} ${keyOf(view)}`);
      for (const other of view.ownSet) {
        const theirs = cameFrom.get(`${other} ${keyOf(view)}`);
        if (theirs !== undefined && theirs !== own)
          yield `a set that did not come together: ${keyOf(view)} has ${name} of ${own} with ${other} of ${theirs}`;
      }
    }
}

/** Ordered messages in their order, the others as a set. */
function firstDifference(ones: readonly Message[], others: readonly Message[]): string | undefined {
  const [a, b] = [ordered(ones), ordered(others)];
  const at = a.findIndex((message, index) => message !== b[index]);
  if (at >= 0) return `one has ${a[at]} where the other has ${b[at] ?? "nothing"}`;
  if (b.length > a.length) return `one has nothing where the other has ${b[a.length]}`;
  const [all, theirs] = [new Set(ones.map(idOf)), new Set(others.map(idOf))];
  const missing = [...all].find((message) => !theirs.has(message)) ?? [...theirs].find((message) => !all.has(message));
  return missing === undefined ? undefined : `only one has ${missing}`;
}

/** Who was there to the end and did not leave got what it sent to its own groups itself. */
function* notDeliveredToSelf(lives: readonly Life[]): Iterable<string> {
  for (const { name, entries, isWhole } of lives) {
    if (!isWhole) continue;
    const got = new Set(messagesOf(entries).map(idOf));
    const joined = new Set<string>();
    let leaving = new Set<string>();
    const owed: string[] = [];
    for (const entry of entries) {
      if (entry.was === "view" && entry.members.includes(name)) joined.add(entry.group);
      else if (entry.was === "leaving") leaving = new Set([...leaving, entry.group]);
      else if (entry.was === "left") {
        joined.delete(entry.group);
        leaving.delete(entry.group);
      } else if (entry.was === "sent" && entry.groups.some((group) => joined.has(group) && !leaving.has(group)))
        owed.push(entry.message);
    }
    for (const message of owed) if (!got.has(message)) yield `not delivered to its sender: ${message} of ${name}`;
  }
}

const idOf = ({ message }: Message) => message;
const keyOf = ({ group, id }: View) => `${group}@${id}`;
const ordered = (messages: readonly Message[]) => messages.filter(hasOrder).map(idOf);
const hasOrder = ({ service }: Message) => service !== "unreliable" && service !== "reliable";
const messagesOf = (entries: readonly Entry[]) => entries.filter((entry) => entry.was === "message");
const viewsOf = (entries: readonly Entry[]) => entries.filter((entry) => entry.was === "view");

function eventOf(entry: Entry): string[] {
  if (entry.was === "view") return [`view ${keyOf(entry)}`];
  return entry.was === "message" && hasOrder(entry) ? [entry.message] : [];
}
