// Senders and readers of one directory over a group service that orders all messages, delays them, and is parted and joined again by chance. Each has real code for its
// part (feed/announcer.ts, feed/directory.ts); the runners around them are played here. Once it is calm, every reader follows exactly what is fed and matches, and the
// first record of a group finds every reader in it that had long been there.
import { expect, test } from "bun:test";
import { seededRandom } from "../../lib/base/random.ts";
import { matchesWildcard } from "../../lib/base/wildcard.ts";
import { Announcer, HOLD_MS_MAX } from "../../lib/feed/announcer.ts";
import { Directory } from "../../lib/feed/directory.ts";
import { DIRECTORY_GROUP, readDirectoryMessage, writeQuestion } from "../../lib/feed/directory-message.ts";
import { type Destination, type PrivateGroup, parsePrivateGroup } from "../../lib/spread/names.ts";
import { groupName } from "../../lib/syslog/group-name.ts";
import { fuzzFactor } from "../support/fuzz.ts";

/** From sending to delivery, at most; within a part of the network all see one order. */
const DELAY_MS_MAX = 15;
/** What a reader takes at most from hearing of a group to asking for it. */
const READER_MS_MAX = 20;

interface Member {
  readonly id: PrivateGroup;
  /** Which part of the network it is in; -1: not connected. */
  part: number;
  view(members: readonly string[], byNetwork: boolean): void;
  message(sender: PrivateGroup, body: Uint8Array): void;
  tick(): void;
}

class World {
  nowMs = 0;
  readonly random: () => number;
  readonly members: Member[] = [];
  readonly senders: Sender[] = [];
  readonly readers: Reader[] = [];
  #queue: { readonly atMs: number; readonly deliver: () => void }[] = [];

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)]!;
  }

  /** Messages and views of a part are delivered to all of it in the order of their sending. */
  order(part: number, deliver: () => void): void {
    const lastMs = this.#lastMs.get(part) ?? 0;
    const atMs = Math.max(lastMs, this.nowMs + this.random() * DELAY_MS_MAX);
    this.#lastMs.set(part, atMs);
    this.#queue.push({ atMs, deliver });
  }
  readonly #lastMs = new Map<number, number>();

  later(ms: number, happen: () => void): void {
    this.#queue.push({ atMs: this.nowMs + ms, deliver: happen });
  }

  send(from: Member, to: Destination, body: Uint8Array): void {
    const { part } = from;
    this.order(part, () => {
      // What counts in no view of its sender's daemon is sent again in the next one.
      if (from.part !== part && from.part >= 0) return this.send(from, to, body);
      for (const member of this.members)
        if (member.part === part && (to === DIRECTORY_GROUP || to === member.id)) member.message(from.id, body);
    });
  }

  /** Moves members to other parts, or out of all; each part that changed sees a view. */
  move(moves: readonly (readonly [Member, number])[], byNetwork: boolean): void {
    const changed = new Set(moves.flatMap(([member, part]) => [member.part, part]));
    for (const [member, part] of moves) member.part = part;
    for (const part of changed) {
      if (part < 0) continue;
      const members = this.members.filter((member) => member.part === part);
      const ids = members.map(({ id }) => id);
      this.order(part, () => {
        for (const member of members) if (member.part === part) member.view(ids, byNetwork);
      });
    }
  }

  run(forMs: number): void {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; ) {
      this.nowMs += 1;
      const due = this.#queue.filter(({ atMs }) => atMs <= this.nowMs).toSorted((a, b) => a.atMs - b.atMs);
      this.#queue = this.#queue.filter(({ atMs }) => atMs > this.nowMs);
      for (const { deliver } of due) deliver();
      for (const member of this.members) if (member.part >= 0) member.tick();
    }
  }
}

class Sender implements Member {
  readonly id: PrivateGroup;
  part = -1;
  readonly groups: string[] = [];
  readonly #announcer: Announcer;
  readonly #numbered = { next: 1 };
  /** Since when the first record of each group waits. */
  readonly #waitsSinceMs: number[] = [];
  /** Groups whose first records went out. */
  #sent = 0;
  longestHoldMs = 0;

  constructor(
    readonly world: World,
    index: number,
    readonly onFirst: (sender: Sender, group: string) => void,
  ) {
    this.id = parsePrivateGroup(`#s${index}#d`);
    this.#announcer = new Announcer({ host: `h${index}`, incarnation: "a", random: world.random });
  }

  feed(group: string): void {
    if (this.groups.includes(group)) return;
    this.groups.push(group);
    this.#announcer.feed(group, groupName(group), this.groups.length - 1, this.#numbered);
    this.#waitsSinceMs.push(this.world.nowMs);
  }

  stood(): void {
    this.#announcer.stood();
    for (let at = this.#sent; at < this.groups.length; at++) this.#waitsSinceMs[at] = this.world.nowMs;
  }

  fell(): void {
    this.#announcer.fell();
  }

  view(): void {} // senders want no views

  message(sender: PrivateGroup, body: Uint8Array): void {
    if (sender === this.id) {
      this.#announcer.returned(this.world.nowMs);
      return;
    }
    const message = readDirectoryMessage(body, 0, body.length);
    if (message.kind === "ask") this.#announcer.asked(sender, message.patterns, this.world.nowMs);
  }

  tick(): void {
    const { nowMs } = this.world;
    for (;;) {
      const said = this.#announcer.next(nowMs, this.#sent === this.groups.length);
      if (said === undefined) break;
      this.world.send(this, said.to, said.body);
    }
    const openTo = Math.min(this.groups.length, this.#announcer.openTo(nowMs));
    const { part } = this;
    for (; this.#sent < openTo; this.#sent++) {
      const group = this.groups[this.#sent]!;
      this.longestHoldMs = Math.max(this.longestHoldMs, nowMs - this.#waitsSinceMs[this.#sent]!);
      this.world.order(part, () => {
        if (this.part === part) this.onFirst(this, group);
      });
      this.#numbered.next += 1;
      this.#announcer.sent(nowMs);
    }
  }
}

class Reader implements Member {
  readonly id: PrivateGroup;
  part = -1;
  readonly joined = new Set<string>();
  readonly directory: Directory;
  #hasAsked = false;
  /** Since when it has not been disturbed. */
  calmSinceMs = 0;

  constructor(
    readonly world: World,
    index: number,
    readonly patterns: readonly string[],
  ) {
    this.id = parsePrivateGroup(`#r${index}#d`);
    this.directory = new Directory(patterns);
  }

  lost(): void {
    this.directory.lost(this.world.nowMs);
    this.#hasAsked = false;
  }

  view(members: readonly string[], byNetwork: boolean): void {
    const areNew = this.directory.view(members, this.world.nowMs);
    if (this.#hasAsked && !(areNew && byNetwork)) return;
    this.#hasAsked = true;
    this.world.send(this, DIRECTORY_GROUP, writeQuestion(this.directory.question));
  }

  message(sender: PrivateGroup, body: Uint8Array): void {
    const message = readDirectoryMessage(body, 0, body.length);
    if (message.kind !== "groups") return;
    // To join is to send, too; and a reader may be busy.
    for (const group of this.directory.heard(sender, message.groups, this.world.nowMs).join)
      this.world.later(this.world.random() * READER_MS_MAX, () =>
        this.world.order(this.part, () => this.joined.add(group)),
      );
  }

  tick(): void {}
}

const NAMES = ["log.mail", "log.auth", "log.daemon", "www.a", "www.b", "x", "cron.daily", "cron.hourly"];
const PATTERNS = ["log.*", "*", "www.?", "*.daily", "log.mail"];

/** One history: chance for a while, then calm. Returns how many first records were checked. */
function story(seed: number): number {
  const world = new World(seed);
  let firsts = 0;
  const onFirst = (sender: Sender, group: string) => {
    for (const reader of world.readers) {
      const isThere = reader.part === sender.part && world.nowMs - reader.calmSinceMs > 1_000;
      if (!isThere || !reader.patterns.some((one) => matchesWildcard(one, group))) continue;
      firsts += 1;
      if (!reader.joined.has(groupName(group)))
        throw new Error(`seed ${seed}, ${world.nowMs} ms: ${reader.id} was not in ${group} of ${sender.id}`);
    }
  };
  for (let index = 0; index < 4; index++) world.senders.push(new Sender(world, index, onFirst));
  for (let index = 0; index < 3; index++)
    world.readers.push(new Reader(world, index, [world.pick(PATTERNS), world.pick(PATTERNS)]));
  world.members.push(...world.senders, ...world.readers);
  const disturb = (): void => {
    const member = world.pick(world.members);
    const before = member.part;
    if (world.chance(0.3)) {
      // The network parts, or comes together.
      const parts = world.chance(0.5) ? 1 : 2;
      const moves = world.members
        .filter(({ part }) => part >= 0)
        .map((one) => [one, Math.floor(world.random() * parts)] as const);
      world.move(moves, true);
      for (const reader of world.readers) reader.calmSinceMs = world.nowMs;
      return;
    }
    if (member instanceof Reader) member.calmSinceMs = world.nowMs;
    if (before >= 0) {
      world.move([[member, -1]], false);
      if (member instanceof Sender) member.fell();
      if (member instanceof Reader) member.lost();
    } else {
      connect(world, member);
    }
  };
  for (let step = 0; step < 60; step++) {
    world.run(world.random() * 120);
    if (world.chance(0.15)) disturb();
    else world.pick(world.senders).feed(world.pick(NAMES));
  }
  // Calm: all are connected, and the network is one.
  for (const member of world.members) if (member.part < 0) connect(world, member);
  world.move(
    world.members.map((member) => [member, 0]),
    true,
  );
  for (const reader of world.readers) reader.calmSinceMs = world.nowMs;
  world.run(3_000);
  for (const reader of world.readers) {
    const fed = new Set(world.senders.flatMap(({ groups }) => groups));
    const wanted = [...fed].filter((group) => reader.patterns.some((one) => matchesWildcard(one, group)));
    const joined = [...reader.joined].filter((group) => fed.has(group));
    if (joined.toSorted().join() !== wanted.toSorted().join())
      throw new Error(`seed ${seed}: ${reader.id} of ${reader.patterns} follows ${joined}, wanted ${wanted}`);
  }
  // A sender that vanishes is forgotten: what only it fed is left in time.
  const gone = world.senders[0]!;
  world.move([[gone, -1]], false);
  world.run(100);
  const others = new Set(world.senders.slice(1).flatMap(({ groups }) => groups));
  for (const { directory } of world.readers) {
    const left = directory.expire(world.nowMs + 3_600_000);
    if (left.some((group) => others.has(group))) throw new Error(`seed ${seed}: ${left} left, of ${[...others]} fed`);
    if (gone.groups.some((group) => !others.has(group) && directory.fullName(groupName(group)) !== undefined))
      throw new Error(`seed ${seed}: a group that nobody feeds is still followed`);
  }
  for (const sender of world.senders)
    if (sender.longestHoldMs > HOLD_MS_MAX + 1) throw new Error(`seed ${seed}: held for ${sender.longestHoldMs} ms`);
  return firsts;
}

function connect(world: World, member: Member): void {
  world.move([[member, 0]], false);
  if (member instanceof Sender) member.stood();
  if (member instanceof Reader) member.calmSinceMs = world.nowMs;
}

test("once it is calm every reader follows what is fed and matches, and had joined before the first record", () => {
  const seed = Number(process.env["SEED"]);
  const seeds = process.env["SEED"] ? [seed] : Array.from({ length: 300 * fuzzFactor }, (_, at) => at + 1);
  let firsts = 0;
  for (const one of seeds) firsts += story(one);
  if (seeds.length > 1) expect(firsts).toBeGreaterThan(seeds.length);
});
