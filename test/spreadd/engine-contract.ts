// What every engine must hold (lib/spreadd/engine.ts). `describeEngine` runs the suite against one: give it a maker of rings.
import { describe, expect, test } from "bun:test";
import type { Fault } from "../../lib/base/fault.ts";
import { FrameView, readRequest, rewriteHeader } from "../../lib/spread/frame.ts";
import { AGREED, FIFO, KILL, RELIABLE } from "../../lib/spread/service.ts";
import type { Engine, EngineSink, Ring } from "../../lib/spreadd/engine.ts";
import { frame, message } from "./frames.ts";

/** Engines of as many hosts as asked for, joined into one ring. They have not been started. */
export interface RingUnderTest extends AsyncDisposable {
  readonly engines: readonly Engine[];
}

export interface EngineMaker {
  readonly name: string;
  /** The most hosts that a ring of these engines has. */
  readonly hostsMax: number;
  makeRing(hosts: number): Promise<RingUnderTest>;
}

/** How long anything may take. A bound, never a measure. */
const WAIT_MS = 10_000;

/** Hears one engine, and writes everything down. Bytes are kept by reference, as the daemon keeps them. */
class Hearer implements EngineSink {
  readonly rings: Ring[] = [];
  readonly heard: string[] = [];
  readonly kept: { readonly bytes: Uint8Array; readonly start: number; readonly end: number; readonly copy: Buffer }[] =
    [];
  readyCount = 0;
  failure: Fault | undefined;
  onDeliver: ((text: string) => void) | undefined;
  #wake = (): void => {};

  ring(ring: Ring): void {
    this.rings.push(ring);
    this.heard.push(`ring of ${ring.hosts.length}`);
    this.#wake();
  }

  transition(lost: readonly number[]): void {
    this.heard.push(`ring loses ${lost}`);
  }

  snapshot(): Uint8Array {
    return new Uint8Array();
  }

  gone(host: number): void {
    this.heard.push(`ring without ${host}`);
  }

  outside(): void {
    this.heard.push("ring of none");
  }

  deliver(host: number, slot: number, view: FrameView): void {
    const text = `${host}/${slot} ${view.kind} ${view.groups().join(",")} ${new TextDecoder().decode(view.body().subarray(0, 40))}`;
    this.heard.push(text);
    const { bytes, start, bodyEnd: end } = view;
    this.kept.push({ bytes, start, end, copy: Buffer.from(bytes.subarray(start, end)) });
    this.onDeliver?.(text);
    this.#wake();
  }

  ready(): void {
    this.readyCount += 1;
    this.#wake();
  }

  failed(fault: Fault): void {
    this.failure = fault;
    this.#wake();
  }

  get delivered(): string[] {
    return this.heard.filter((text) => !text.startsWith("ring"));
  }

  async until(holds: () => boolean): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!holds()) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`waited ${WAIT_MS} ms; heard: ${this.heard.slice(-20).join("; ")}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, leftMs);
      await promise;
      clearTimeout(timer);
    }
  }
}

/** A request as the daemon hands it to an engine. */
function request(bytes: Uint8Array): FrameView {
  const view = new FrameView();
  if (readRequest(bytes, 0, bytes.length, view) !== bytes.length) throw new Error("no whole request");
  rewriteHeader(view, true);
  return view;
}

const text = (host: number, slot: number, body: string) => request(message(`#s${slot}#h${host}`, ["g"], body));

async function started(maker: EngineMaker, hosts: number) {
  const ring = await maker.makeRing(hosts);
  const hearers = ring.engines.map(() => new Hearer());
  for (const [at, engine] of ring.engines.entries()) engine.start(hearers[at]!);
  for (const hearer of hearers) await hearer.until(() => hearer.rings.at(-1)?.hosts.length === hosts);
  return {
    ring,
    hearers,
    /** Submits when there is room, as a daemon that holds its senders does. */
    async submit(host: number, slot: number, view: FrameView): Promise<void> {
      const engine = ring.engines[host]!;
      await hearers[host]!.until(() => !engine.isFull);
      engine.submit(slot, view);
    },
    [Symbol.asyncDispose]: () => ring[Symbol.asyncDispose](),
  };
}

/** Runs the contract's suite against an engine. */
export function describeEngine(maker: EngineMaker): void {
  const sizes = [1, 2, 3].filter((hosts) => hosts <= maker.hostsMax);
  describe(`the engine "${maker.name}"`, () => {
    for (const hosts of sizes) describe(`with ${hosts} host${hosts === 1 ? "" : "s"}`, () => suite(maker, hosts));
  });
}

function suite(maker: EngineMaker, hosts: number): void {
  const all = Array.from({ length: hosts }, (_, host) => host);

  test("tells its ring first: the same everywhere, each host in its place", async () => {
    await using run = await started(maker, hosts);
    for (const host of all) {
      const { rings, heard } = run.hearers[host]!;
      expect(heard[0]).toStartWith("ring");
      const ring = rings.at(-1)!;
      expect(ring.own).toBe(host);
      expect(ring.hosts).toEqual(run.hearers[0]!.rings.at(-1)!.hosts);
      expect(ring.time).toBe(run.hearers[0]!.rings.at(-1)!.time);
      expect(new Set(ring.hosts.map(({ id }) => id)).size).toBe(hosts);
    }
  });

  test("delivers everything once, on every host, in one order, and to each sender in its own", async () => {
    await using run = await started(maker, hosts);
    const each = 300;
    await Promise.all(
      all.map(async (host) => {
        for (let count = 0; count < each; count++)
          await run.submit(host, count % 3, text(host, count % 3, `${host}-${count}`));
      }),
    );
    for (const hearer of run.hearers) await hearer.until(() => hearer.delivered.length >= hosts * each);
    const [first] = run.hearers;
    expect(new Set(first!.delivered).size).toBe(hosts * each);
    for (const hearer of run.hearers) expect(hearer.delivered).toEqual(first!.delivered);
    for (const host of all) {
      const own = first!.delivered
        .filter((line) => line.startsWith(`${host}/`))
        .map((line) => Number(line.split("-")[1]));
      expect(own).toEqual(Array.from({ length: each }, (_, count) => count));
    }
  });

  test("carries every kind of request, of any size, unchanged", async () => {
    await using run = await started(maker, hosts);
    const requests = [
      frame({ service: 0x0001_0000, sender: "#a#h0", groups: ["g"] }),
      frame({ service: 0x0002_0000, sender: "#a#h0", groups: ["g"] }),
      frame({ service: AGREED, sender: "#a#h0", groups: new Array(100).fill("g"), body: "x".repeat(100_000) }),
      frame({ service: RELIABLE, sender: "#a#h0", groups: [], body: "" }),
      frame({ service: FIFO, sender: "#a#h0", groups: ["g"], body: new Uint8Array(143_920), messageType: -5 }),
      frame({ service: KILL, sender: "#a#h0" }),
    ];
    for (const bytes of requests) await run.submit(0, 7, request(bytes.slice()));
    for (const hearer of run.hearers) {
      await hearer.until(() => hearer.kept.length === requests.length);
      expect(
        hearer.kept.map(({ copy }) => copy.equals(requests[hearer.kept.findIndex((kept) => kept.copy === copy)]!)),
      ).toEqual(requests.map(() => true));
    }
  });

  test("never changes bytes that it has delivered", async () => {
    await using run = await started(maker, hosts);
    for (let count = 0; count < 200; count++) await run.submit(0, 1, text(0, 1, `${count}`.repeat(50)));
    for (const hearer of run.hearers) {
      await hearer.until(() => hearer.kept.length === 200);
      for (const { bytes, start, end, copy } of hearer.kept) expect(copy.equals(bytes.subarray(start, end))).toBe(true);
    }
  });

  test("takes an event from whoever is done with the one being delivered", async () => {
    await using run = await started(maker, hosts);
    const [hearer] = run.hearers;
    hearer!.onDeliver = (line) => {
      if (line.endsWith("question")) run.ring.engines[0]!.submit(2, text(0, 2, "answer"));
    };
    await run.submit(0, 1, text(0, 1, "question"));
    for (const each of run.hearers) {
      await each.until(() => each.delivered.length === 2);
      expect(each.delivered.map((line) => line.split(" ").at(-1))).toEqual(["question", "answer"]);
    }
  });

  test("takes what it is given though it is full, and says when it no longer is", async () => {
    await using run = await started(maker, hosts);
    const engine = run.ring.engines[0]!;
    let sent = 0;
    for (; sent < 5_000 && !engine.isFull; sent++) engine.submit(1, text(0, 1, `${sent}`));
    const wasFull = engine.isFull;
    engine.submit(1, text(0, 1, `${sent++}`));
    const [hearer] = run.hearers;
    await hearer!.until(() => hearer!.delivered.length === sent);
    if (wasFull) await hearer!.until(() => hearer!.readyCount > 0);
    expect(engine.isFull).toBe(false);
  });

  test("delivers nothing after it was stopped", async () => {
    await using run = await started(maker, hosts);
    await run.submit(0, 1, text(0, 1, "before"));
    const [hearer] = run.hearers;
    await hearer!.until(() => hearer!.delivered.length === 1);
    const heard = hearer!.heard.length;
    run.ring.engines[0]!.stop();
    run.ring.engines[0]!.submit(1, text(0, 1, "after"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(hearer!.heard.length).toBe(heard);
  });
}
