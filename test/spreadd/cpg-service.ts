// corosync's closed process groups, simulated: nodes whose network parts and heals, a total order in each ring, and what the library tells its clients of
// it, with all that was seen of the real one to be awkward (lib/spreadd/ring-core.ts):
//
// - A message is queued on its node until the token comes: then it has a place in the ring's order. What is still queued when the ring changes gets its place
//   in the new one, maybe before the clients are told of that; then only clients of nodes that knew the sender get it.
// - When a ring ends, the nodes that go on together have what any of them has, and deliver it: all up to the first gap, and behind it what comes from each
//   other. So nodes that part may have been delivered different ends, without any sign of it.
// - A change is told by `configured` for who left, then one or two for who joined, then `ringChanged`. If the ring changes again before that, it is told once.
// - A process that comes or goes by itself is a message in the order like any other.
import type { Random } from "../../lib/base/random.ts";
import type { Seat } from "../../lib/spreadd/ring-message.ts";
import type { Clockwork } from "../sim/clockwork.ts";

/** What a client hears. */
export interface CpgClient {
  entered(self: Seat): void;
  configured(members: readonly Seat[], left: readonly Seat[], hasJoined: boolean, isOfRing: boolean): void;
  ringChanged(node: number, sequence: number): void;
  delivered(from: Seat, bytes: Uint8Array): void;
  lost(): void;
}

type Item =
  | { readonly is: "message"; readonly from: Seat; readonly bytes: Uint8Array }
  | { readonly is: "join" | "leave"; readonly from: Seat }
  | { readonly is: "barrier"; readonly members: readonly Seat[] };

class Ring {
  readonly order: { readonly item: Item; readonly node: Node }[] = [];
  hasBarrier = false;

  constructor(
    readonly nodes: readonly Node[],
    readonly sequence: number,
  ) {}

  get representative(): number {
    return Math.min(...this.nodes.map(({ id }) => id));
  }
}

/** A process of a client, with what it has not heard yet. */
export class CpgProcess {
  readonly inbox: ((client: CpgClient) => void)[] = [];
  isFrozen = false;
  isDead = false;
  isRunComing = false;
  /** Its coming has its place in the order. */
  isJoined = false;

  constructor(
    readonly seat: Seat,
    readonly node: Node,
    readonly client: CpgClient,
  ) {}
}

class Node {
  ring: Ring | undefined;
  /** Next in the ring's order. */
  cursor = 0;
  received = new Set<number>();
  /** Sent by its processes, not in the order yet. */
  readonly queue: Item[] = [];
  /** The processes that it knows of. */
  known: Seat[] = [];
  process: CpgProcess | undefined;
  isUp = true;
  isFrozen = false;
  part = 0;
  isTokenComing = false;

  constructor(readonly id: number) {}

  get isRunning(): boolean {
    return this.isUp && !this.isFrozen;
  }
}

/** Messages that a node takes before it says "try again". */
const QUEUE_MAX = 40;

export class CpgService {
  readonly nodes: readonly Node[];
  #sequence = 4;
  #pid = 100;
  #change = 0;

  constructor(
    private readonly clockwork: Clockwork,
    private readonly random: Random,
    nodes: number,
    private readonly times: { readonly detectionMs: number; readonly mergeMs: number },
  ) {
    this.nodes = Array.from({ length: nodes }, (_, at) => new Node(at + 1));
    for (const node of this.nodes) this.#form([node]);
    this.#networkChanged();
  }

  // --- what clients ask ---

  /** A process of the node asks to get in. `undefined` where corosync is down. */
  enter(at: number, client: CpgClient): CpgProcess | undefined {
    const node = this.nodes[at]!;
    if (!node.isUp) return undefined;
    const process = new CpgProcess({ node: node.id, pid: this.#pid++ }, node, client);
    node.process = process;
    this.#tell(process, (hearer) => hearer.entered(process.seat));
    const ring = node.ring!;
    // the first ring is told at once; where the node is in the midst of a change, what comes of it follows
    if (ring.hasBarrier) this.#tell(process, (hearer) => hearer.ringChanged(ring.representative, ring.sequence));
    this.#enqueue(node, { is: "join", from: process.seat });
    return process;
  }

  send(process: CpgProcess, bytes: Uint8Array): boolean {
    const { node } = process;
    if (process.isDead || !node.isUp || node.process !== process) return false;
    if (node.queue.length >= QUEUE_MAX || (!node.ring!.hasBarrier && this.random() < 0.7) || this.random() < 0.03)
      return false;
    this.#enqueue(node, { is: "message", from: process.seat, bytes: bytes.slice() });
    return true;
  }

  // --- faults ---

  /** Which nodes reach each other: those with the same number. */
  part(parts: readonly number[]): void {
    for (const [at, part] of parts.entries()) this.nodes[at]!.part = part;
    this.#networkChanged();
  }

  /** The network parts for so short that rings form and merge before anybody is told of it: all clients hear is that the ring has changed. */
  flap(parts: readonly number[], ms: number): void {
    const before = this.nodes.map(({ part }) => part);
    for (const [at, part] of parts.entries()) this.nodes[at]!.part = part;
    this.clockwork.after(3, () => this.#settle(() => true));
    this.clockwork.after(3 + ms, () => {
      for (const [at, part] of before.entries()) this.nodes[at]!.part = part;
      this.#settle(() => true);
      this.#networkChanged();
    });
  }

  /** The process ends; the others hear of it in the order. */
  kill(process: CpgProcess): void {
    process.isDead = true;
    process.inbox.length = 0;
    const { node } = process;
    if (node.process !== process) return;
    node.process = undefined;
    if (node.isUp) this.#enqueue(node, { is: "leave", from: process.seat });
  }

  freezeProcess(process: CpgProcess, isFrozen: boolean): void {
    process.isFrozen = isFrozen;
    if (!isFrozen) this.#wake(process);
  }

  /** corosync dies. */
  crash(at: number): void {
    const node = this.nodes[at]!;
    const { process } = node;
    node.isUp = false;
    node.isFrozen = false;
    node.process = undefined;
    node.queue.length = 0;
    if (process !== undefined) {
      if (this.random() < 0.5) process.inbox.length = 0;
      this.#tell(process, (client) => client.lost());
    }
    this.#networkChanged();
  }

  restart(at: number): void {
    const node = this.nodes[at]!;
    if (node.isUp) return;
    node.isUp = true;
    node.known = [];
    this.#form([node]);
    this.#networkChanged();
  }

  /** corosync stops, and goes on. */
  freezeNode(at: number, isFrozen: boolean): void {
    const node = this.nodes[at]!;
    node.isFrozen = isFrozen;
    if (!isFrozen) {
      this.#pass(node);
      this.#repeat(node);
    }
    this.#networkChanged();
  }

  // --- the ring ---

  #enqueue(node: Node, item: Item): void {
    node.queue.push(item);
    this.#pass(node);
  }

  /** The token will come to the node. */
  #pass(node: Node): void {
    if (node.isTokenComing || node.queue.length === 0) return;
    node.isTokenComing = true;
    this.clockwork.after(0.1 + this.random() * 2, () => {
      node.isTokenComing = false;
      if (!node.isRunning || node.queue.length === 0) return;
      if (this.#turns(node.ring!) || this.random() < 0.2) {
        for (let left = 1 + Math.floor(this.random() * 4); left > 0 && node.queue.length > 0; left--)
          this.#order(node.ring!, node, node.queue.shift()!);
      }
      this.#pass(node);
    });
  }

  /** The token goes round. */
  #turns(ring: Ring): boolean {
    return ring.nodes.every((node) => node.ring === ring && node.isRunning && node.part === ring.nodes[0]!.part);
  }

  #order(ring: Ring, from: Node, item: Item): void {
    if (item.is === "join") {
      const { process } = from;
      if (process !== undefined && process.seat.pid === item.from.pid) process.isJoined = true;
    }
    const index = ring.order.length;
    ring.order.push({ item, node: from });
    from.received.add(index);
    this.#deliver(from, ring);
    for (const node of ring.nodes) if (node !== from) this.#offer(node, ring, index);
  }

  #offer(node: Node, ring: Ring, index: number): void {
    const from = ring.order[index]!.node;
    this.clockwork.after(0.05 + this.random() * (this.random() < 0.1 ? 8 : 1), () => {
      if (node.ring !== ring || !node.isRunning) return;
      if (node.part !== from.part || !from.isUp) {
        // lost with its sender, unless another has it: who, the end of the ring tells
        if (!ring.nodes.some((other) => other.ring === ring && other.part === node.part && other.received.has(index)))
          return;
      }
      node.received.add(index);
      this.#deliver(node, ring);
    });
  }

  /** What a node has missed comes to it again. */
  #repeat(node: Node): void {
    const ring = node.ring!;
    for (let index = node.cursor; index < ring.order.length; index++)
      if (!node.received.has(index)) this.#offer(node, ring, index);
  }

  #deliver(node: Node, ring: Ring): void {
    while (node.ring === ring && node.received.has(node.cursor))
      this.#hand(node, ring.order[node.cursor++]!.item, ring);
  }

  /** A node has an item's turn. */
  #hand(node: Node, item: Item, ring: Ring): void {
    const { process } = node;
    switch (item.is) {
      case "message":
        if (!node.known.some((seat) => same(seat, item.from))) return;
        this.#tellIn(node, (client) => client.delivered(item.from, item.bytes));
        break;
      case "join": {
        if (node.known.some((seat) => same(seat, item.from))) return;
        node.known = [...node.known, item.from];
        const members = node.known;
        this.#tellIn(node, (client) => client.configured(members, [], true, false));
        break;
      }
      case "leave": {
        if (!node.known.some((seat) => same(seat, item.from))) return;
        node.known = node.known.filter((seat) => !same(seat, item.from));
        const members = node.known;
        this.#tellIn(node, (client) => client.configured(members, [item.from], false, false));
        break;
      }
      case "barrier": {
        const here = node.known.filter((seat) => item.members.some((member) => same(member, seat)));
        const left = node.known.filter((seat) => !here.includes(seat));
        const joined = item.members.filter((seat) => !node.known.some((known) => same(known, seat)));
        if (left.length > 0) this.#tellIn(node, (client) => client.configured(here, left, false, true));
        const cut = this.random() < 0.5 ? joined.length : Math.floor(this.random() * (joined.length + 1));
        const first = [...here, ...joined.slice(0, cut)];
        if (cut > 0) this.#tellIn(node, (client) => client.configured(first, [], true, true));
        node.known = [...here, ...joined];
        const all = node.known;
        if (cut < joined.length) this.#tellIn(node, (client) => client.configured(all, [], true, true));
        if (process !== undefined)
          this.#tell(process, (client) => client.ringChanged(ring.representative, ring.sequence));
        break;
      }
    }
  }

  /** Tells the node's client, if it is in the group. */
  #tellIn(node: Node, what: (client: CpgClient) => void): void {
    const { process } = node;
    if (process !== undefined && node.known.some((seat) => same(seat, process.seat))) this.#tell(process, what);
  }

  // --- changes ---

  #networkChanged(): void {
    const change = ++this.#change;
    const jitter = () => 0.5 + this.random();
    this.clockwork.after(this.times.detectionMs * jitter(), () => {
      if (change === this.#change) this.#settle(() => true);
    });
    // some parts are sooner than others, and get to see what is in between
    if (this.random() < 0.4)
      this.clockwork.after(this.times.mergeMs * jitter(), () => this.#settle(() => this.random() < 0.5));
  }

  /** Parts that are not a ring of their own become one. */
  #settle(whether: () => boolean): void {
    const parts = new Map<string, Node[]>();
    for (const node of this.nodes.filter(({ isUp }) => isUp)) {
      const part = node.isFrozen ? `frozen ${node.id}` : `${node.part}`;
      parts.set(part, [...(parts.get(part) ?? []), node]);
    }
    for (const nodes of parts.values()) {
      if (nodes[0]!.isFrozen) continue; // it will find out when it goes on
      const [ring] = nodes.map((node) => node.ring!);
      const isSettled = ring!.nodes.length === nodes.length && nodes.every((node) => node.ring === ring);
      if (isSettled) for (const node of nodes) this.#repeat(node);
      else if (whether()) this.#form(nodes);
    }
  }

  #form(nodes: readonly Node[]): void {
    for (const ring of new Set(nodes.flatMap((node) => node.ring ?? []))) this.#end(ring, nodes);
    this.#sequence += 4;
    const ring = new Ring(nodes, this.#sequence);
    for (const node of nodes) {
      node.ring = ring;
      node.cursor = 0;
      node.received = new Set();
    }
    for (const node of nodes) this.#pass(node);
    this.clockwork.after(nodes.length === 1 ? 0 : 0.5 + this.random() * 12, () => this.#setBarrier(ring));
  }

  #setBarrier(ring: Ring): void {
    if (ring.nodes.some((node) => node.ring !== ring)) return;
    if (!this.#turns(ring)) {
      this.clockwork.after(1, () => this.#setBarrier(ring));
      return;
    }
    ring.hasBarrier = true;
    const members = ring.nodes.flatMap(({ process }) => (process?.isJoined ? [process.seat] : []));
    this.#order(ring, ring.nodes[0]!, { is: "barrier", members });
  }

  /** Those of the ring who go on together deliver what any of them has. */
  #end(ring: Ring, nodes: readonly Node[]): void {
    const together = nodes.filter((node) => node.ring === ring);
    for (const node of together) {
      let isGap = false;
      for (let index = node.cursor; index < ring.order.length; index++) {
        const { item, node: from } = ring.order[index]!;
        const isThere = together.some(({ received }) => received.has(index));
        if (!isThere) isGap = true;
        else if (!isGap || together.includes(from)) {
          if (item.is === "barrier" && isGap) continue;
          this.#hand(node, item, ring);
        }
      }
      node.cursor = ring.order.length;
    }
  }

  // --- processes ---

  #tell(process: CpgProcess, what: (client: CpgClient) => void): void {
    if (process.isDead) return;
    process.inbox.push(what);
    this.#wake(process);
  }

  #wake(process: CpgProcess): void {
    if (process.isRunComing || process.isFrozen) return;
    process.isRunComing = true;
    this.clockwork.after(0.02 + this.random() * (this.random() < 0.05 ? 20 : 0.5), () => {
      process.isRunComing = false;
      if (process.isDead || process.isFrozen) return;
      for (let left = 64; left > 0 && process.inbox.length > 0; left--) process.inbox.shift()!(process.client);
      if (process.inbox.length > 0) this.#wake(process);
    });
  }
}

function same(a: Seat, b: Seat): boolean {
  return a.node === b.node && a.pid === b.pid;
}
