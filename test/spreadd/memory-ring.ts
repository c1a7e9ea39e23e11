// A ring of several hosts within this process: what is submitted is copied, put into one line, and delivered later, a few at a time. It keeps the engine
// contract's suite honest where the local engine can't (several hosts, a window, deliveries that come late), and shows a daemon what such engines do.
import { FrameView, readRequest } from "../../lib/spread/frame.ts";
import { parseDaemonName } from "../../lib/spread/names.ts";
import { daemonId } from "../../lib/spread/spread-conf-hash.ts";
import type { Engine, EngineSink, Host } from "../../lib/spreadd/engine.ts";
import type { EngineMaker, RingUnderTest } from "./engine-contract.ts";

/** Events of one host that may be on their way. */
const WINDOW = 8;

interface Event {
  readonly host: number;
  readonly slot: number;
  readonly bytes: Uint8Array;
}

class Line {
  readonly hosts: readonly Host[];
  readonly engines: readonly MemoryEngine[];
  readonly #events: Event[] = [];
  #isComing = false;

  constructor(hosts: number) {
    this.hosts = Array.from({ length: hosts }, (_, at) => {
      const name = parseDaemonName(`h${at}`);
      return { name, id: daemonId(name), run: `${at}` };
    });
    this.engines = this.hosts.map((_, at) => new MemoryEngine(this, at));
  }

  add(event: Event): void {
    this.#events.push(event);
    if (this.#isComing) return;
    this.#isComing = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#isComing = false;
    for (const { host, slot, bytes } of this.#events.splice(0))
      for (const engine of this.engines) engine.receive(host, slot, bytes);
  }
}

class MemoryEngine implements Engine {
  readonly history = 0;
  #sink: EngineSink | undefined;
  #underWay = 0;
  readonly #view = new FrameView();

  constructor(
    private readonly line: Line,
    private readonly own: number,
  ) {}

  get isFull(): boolean {
    return this.#underWay >= WINDOW;
  }

  start(sink: EngineSink): void {
    this.#sink = sink;
    sink.ring({ hosts: this.line.hosts, own: this.own, time: 1_700_000_000 });
  }

  submit(slot: number, frame: FrameView): void {
    if (this.#sink === undefined) return;
    this.#underWay += 1;
    this.line.add({ host: this.own, slot, bytes: frame.bytes.slice(frame.start, frame.bodyEnd) });
  }

  receive(host: number, slot: number, bytes: Uint8Array): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    const wasFull = this.isFull;
    if (host === this.own) this.#underWay -= 1;
    readRequest(bytes, 0, bytes.length, this.#view);
    sink.deliver(host, slot, this.#view);
    if (wasFull && !this.isFull) sink.ready();
  }

  stop(): void {
    this.#sink = undefined;
  }
}

export const memoryRings: EngineMaker = {
  name: "memory",
  hostsMax: 3,
  async makeRing(hosts): Promise<RingUnderTest> {
    const { engines } = new Line(hosts);
    return {
      engines,
      async [Symbol.asyncDispose]() {
        for (const engine of engines) engine.stop();
      },
    };
  },
};
