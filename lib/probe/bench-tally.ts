// What one receiver of a bench has seen: how many messages of each sender, which are missing, which came late or twice, and in which order.
//
// Sequence numbers of a sender count from 0 without gaps, and every service type of Spread but two keeps a sender's order, so the usual message is the
// one expected, and costs a comparison. A gap is remembered as a range: what fills it later was late (reordered), what never comes is
// lost, what comes and is not missing came twice. At most `GAPS_MAX` ranges are kept a sender; past that a gap is lost for good.
//
// `order` digests (sender, sequence) in the order of arrival: two receivers with the same digest saw the same total order.

const GAPS_MAX = 4_096;

interface Gap {
  from: number;
  /** Excluded. */
  to: number;
}

interface Sender {
  next: number;
  received: number;
  late: number;
  twice: number;
  gaps: Gap[];
}

/** The counts of one receiver; plain values, for JSON and other processes. */
export interface TallyResult {
  readonly received: number;
  readonly bytes: number;
  /** Came behind a later one of the same sender. */
  readonly late: number;
  readonly twice: number;
  /** Of those before the last one that came: holes. */
  readonly missing: number;
  /** Highest sequence number + 1, by sender: what is missing up to what was sent, only the senders know. */
  readonly reached: readonly number[];
  /** Digest of the order of arrival. */
  readonly order: number;
}

export class Tally {
  readonly #senders: Sender[] = [];
  #received = 0;
  #bytes = 0;
  #order = 0x811c9dc5 | 0;

  /** One message: its sender, its sequence number, the size of its body. */
  take(sender: number, sequence: number, bytes: number): void {
    this.#received += 1;
    this.#bytes += bytes;
    this.#order = Math.imul(this.#order ^ sequence ^ (sender << 24), 0x01000193);
    const state = this.#senders[sender] ?? this.#newSender(sender);
    state.received += 1;
    if (sequence === state.next) state.next += 1;
    else if (sequence > state.next) openGap(state, sequence);
    else if (fillGap(state, sequence)) state.late += 1;
    else state.twice += 1;
  }

  get received(): number {
    return this.#received;
  }

  /** How many of this sender came, each number once. */
  receivedFrom(sender: number): number {
    const state = this.#senders[sender];
    return state === undefined ? 0 : state.received - state.twice;
  }

  result(): TallyResult {
    const senders = Array.from({ length: this.#senders.length }, (_, at) => this.#senders[at] ?? newSender());
    const sum = (of: (sender: Sender) => number) => senders.reduce((total, sender) => total + of(sender), 0);
    return {
      received: this.#received,
      bytes: this.#bytes,
      late: sum((sender) => sender.late),
      twice: sum((sender) => sender.twice),
      missing: sum((sender) => sender.next - (sender.received - sender.twice)),
      reached: senders.map((sender) => sender.next),
      order: this.#order >>> 0,
    };
  }

  #newSender(sender: number): Sender {
    const state = newSender();
    this.#senders[sender] = state;
    return state;
  }
}

/** What a receiver lacks of what was sent: `sent[n]` messages of sender n. */
export function lostOf(result: TallyResult, sent: readonly number[]): number {
  const sentInAll = sent.reduce((sum, count) => sum + count, 0);
  return Math.max(0, sentInAll - (result.received - result.twice));
}

function newSender(): Sender {
  return { next: 0, received: 0, late: 0, twice: 0, gaps: [] };
}

function openGap(state: Sender, sequence: number): void {
  if (state.gaps.length < GAPS_MAX) state.gaps.push({ from: state.next, to: sequence });
  state.next = sequence + 1;
}

/** Takes the number out of the gaps; `false` where it was not missing. */
function fillGap(state: Sender, sequence: number): boolean {
  const index = state.gaps.findIndex((gap) => gap.from <= sequence && sequence < gap.to);
  const gap = state.gaps[index];
  if (gap === undefined) return false;
  const behind: Gap = { from: sequence + 1, to: gap.to };
  gap.to = sequence;
  const left = [gap, behind].filter(({ from, to }) => from < to);
  state.gaps.splice(index, 1, ...left);
  return true;
}
