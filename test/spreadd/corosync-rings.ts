// `CorosyncEngine` on real corosync, an engine in a process of its own on each host of a cluster: for the engine contract's suite.
import { join } from "node:path";
import { FrameView, readRequest } from "../../lib/spread/frame.ts";
import type { Engine, EngineSink } from "../../lib/spreadd/engine.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Host } from "../cluster/host.ts";
import { projectRoot } from "../support/binary.ts";
import type { Child } from "../support/child.ts";
import type { Order, Said } from "./engine-child.ts";
import type { EngineMaker, RingUnderTest } from "./engine-contract.ts";

/** Requests that the child has not taken yet, before the engine counts as full: what it says of itself comes late. */
const UNTAKEN_MAX = 64;

/** An engine in a child, as its contract wants it. */
class DistantEngine implements Engine {
  readonly history = 0;
  readonly child: Child;
  #sink: EngineSink | undefined;
  #submitted = 0;
  #taken = 0;
  #isChildFull = false;
  #toldFull = false;
  readonly #view = new FrameView();

  constructor(host: Host, name: string, order: number) {
    const path = join(import.meta.dir, "engine-child.ts");
    this.child = host.start([process.execPath, path, name, String(order)], { stdin: "open", cwd: projectRoot });
  }

  start(sink: EngineSink): void {
    this.#sink = sink;
    void this.#listen();
  }

  submit(slot: number, frame: FrameView): void {
    if (this.#sink === undefined) return;
    this.#submitted += 1;
    const order: Order = [slot, Buffer.from(frame.bytes.subarray(frame.start, frame.bodyEnd)).toString("base64")];
    this.child.stdin.write(`${JSON.stringify(order)}\n`);
    this.child.stdin.flush();
  }

  get isFull(): boolean {
    const isFull = this.#isChildFull || this.#submitted - this.#taken >= UNTAKEN_MAX;
    if (isFull) this.#toldFull = true;
    return isFull;
  }

  stop(): void {
    this.#sink = undefined;
  }

  async #listen(): Promise<void> {
    const { stdout } = this.child;
    for (let at = 0; this.#sink !== undefined; ) {
      try {
        await stdout.until((text) => text.indexOf("\n", at) >= 0);
      } catch {
        return; // it was ended, with its ring
      }
      for (let end = stdout.text.indexOf("\n", at); end >= 0; end = stdout.text.indexOf("\n", at)) {
        this.#hear(JSON.parse(stdout.text.slice(at, end)) as Said);
        at = end + 1;
      }
    }
  }

  #hear(said: Said): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    if (said.on === "ring") sink.ring(said.ring);
    else if (said.on === "gone") sink.gone(said.host);
    else if (said.on === "deliver") {
      const bytes = new Uint8Array(Buffer.from(said.frame, "base64"));
      readRequest(bytes, 0, bytes.length, this.#view);
      sink.deliver(said.host, said.slot, this.#view);
    } else if (said.on === "taken") {
      this.#taken = said.count;
      this.#isChildFull = said.isFull;
    } else if (said.on === "ready") this.#isChildFull = false;
    if (!this.#toldFull || this.isFull) return;
    this.#toldFull = false;
    sink.ready();
  }
}

/** Rings over the first hosts of a cluster that is there. */
export function corosyncRings(cluster: () => Cluster, hostsMax: number): EngineMaker {
  return {
    name: "corosync",
    hostsMax,
    async makeRing(hosts): Promise<RingUnderTest> {
      const engines = cluster()
        .hosts.slice(0, hosts)
        .map((host, at) => new DistantEngine(host, `h${at}`, at));
      return {
        engines,
        async [Symbol.asyncDispose]() {
          for (const engine of engines) engine.stop();
          await Promise.all(engines.map(({ child }) => child[Symbol.asyncDispose]()));
        },
      };
    },
  };
}
