// A `CorosyncEngine` in a process of its own, on its host of a cluster: requests come on stdin, what it says goes to stdout, a line of JSON each.
import type { Fault } from "../../lib/base/fault.ts";
import { systemClock } from "../../lib/run/clock.ts";
import { FrameView, readRequest } from "../../lib/spread/frame.ts";
import { parseDaemonName } from "../../lib/spread/names.ts";
import type { Ring } from "../../lib/spreadd/engine.ts";
import { CorosyncEngine } from "../../lib/spreadd/io/corosync-engine.ts";

/** A request for the engine: slot and frame, in base64. */
export type Order = readonly [slot: number, frame: string];

export type Said =
  | { readonly on: "ring"; readonly ring: Ring }
  | { readonly on: "deliver"; readonly host: number; readonly slot: number; readonly frame: string }
  | { readonly on: "taken"; readonly count: number; readonly isFull: boolean }
  | { readonly on: "ready" | "transition" | "outside" }
  | { readonly on: "gone"; readonly host: number }
  | { readonly on: "failed"; readonly message: string };

if (import.meta.main) {
  const [name = "h0", startedMs = "0"] = process.argv.slice(2);
  const say = (said: Said) => void process.stdout.write(`${JSON.stringify(said)}\n`);
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const engine = new CorosyncEngine(
    { name: parseDaemonName(name), startedMs: Number(startedMs), silenceMs: 10_000, system: "contract" },
    systemClock,
    { error: log, warn: log, notice: log, debug: () => {} },
  );
  engine.start({
    ring: ({ hosts, own, time }) => say({ on: "ring", ring: { hosts, own, time } }),
    transition: () => say({ on: "transition" }),
    snapshot: () => new Uint8Array(),
    gone: (host) => say({ on: "gone", host }),
    outside: () => say({ on: "outside" }),
    deliver: (host, slot, { bytes, start, bodyEnd }) =>
      say({ on: "deliver", host, slot, frame: Buffer.from(bytes.subarray(start, bodyEnd)).toString("base64") }),
    ready: () => say({ on: "ready" }),
    failed: ({ message }: Fault) => say({ on: "failed", message }),
  });
  const view = new FrameView();
  let taken = 0;
  for await (const line of console) {
    const [slot, frame] = JSON.parse(line) as Order;
    const bytes = new Uint8Array(Buffer.from(frame, "base64"));
    readRequest(bytes, 0, bytes.length, view);
    engine.submit(slot, view);
    say({ on: "taken", count: ++taken, isFull: engine.isFull });
  }
  process.exit(0);
}
