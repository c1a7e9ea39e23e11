// Many sessions by TLS in one process, for the bench of far clients: each joins the group of its rack, a few send to it all the time. Told by JSON on the
// command line, asked by lines on stdin ("send", "mark", "report"); answers with a line of JSON each.
import { createInterface } from "node:readline";
import { openSession, type Session, type SessionOptions } from "../../lib/spread/index.ts";

interface Orders {
  readonly servers: readonly string[];
  readonly tls: NonNullable<SessionOptions["tls"]>;
  readonly first: number;
  readonly count: number;
  readonly rackSize: number;
  /** Part of the sessions that send, and how often each does. */
  readonly senders: number;
  readonly everyMs: number;
  readonly rejoinSpreadMs: number;
}

const orders: Orders = JSON.parse(process.argv[2]!);
const say = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`);
const rackOf = (at: number) => `rack${Math.floor(at / orders.rackSize)}`;

/** When each that was lost was in its group again, after the mark. */
const backs: number[] = [];
/** How long messages took, and of which second. */
const latencies: { readonly at: number; readonly ms: number }[] = [];
let inGroup = 0;
let marked = 0;
let lost = 0;
const sessions: Session[] = [];

async function live(at: number): Promise<void> {
  const session = openSession({
    servers: orders.servers,
    order: "nearest",
    tls: orders.tls,
    name: `f${at}`,
    rejoinSpreadMs: orders.rejoinSpreadMs,
    connectTimeoutMs: 20_000,
  });
  sessions.push(session);
  await session.join(rackOf(at));
  let isIn = false;
  for await (const event of session) {
    if (event.kind === "lost") {
      if (isIn) inGroup -= 1;
      isIn = false;
      lost += 1;
    } else if (event.kind === "view" && !isIn) {
      isIn = true;
      inGroup += 1;
      if (marked > 0) backs.push(Date.now() - marked);
      if (inGroup === orders.count) say({ all: Date.now() });
    } else if (event.kind === "message") {
      const sentAt = Number(new TextDecoder().decode(event.body.subarray(0, 13)));
      latencies.push({ at: Date.now(), ms: Date.now() - sentAt });
    }
  }
}

/** The first of each so many sessions sends. */
function send(): void {
  const step = Math.round(1 / orders.senders);
  const filling = "x".repeat(187);
  for (let at = 0; at < orders.count; at += step) {
    const session = sessions[at]!;
    const rack = rackOf(orders.first + at);
    setTimeout(
      () => setInterval(() => void session.multicast(rack, `${Date.now()}${filling}`), orders.everyMs),
      (orders.everyMs * at) / orders.count,
    );
  }
}

for (let at = 0; at < orders.count; at++) void live(orders.first + at);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "send") send();
  if (line === "mark") {
    marked = Date.now();
    lost = 0;
    latencies.length = 0;
  }
  if (line === "report") {
    say({ backs, lost, latencies: latencies.map(({ ms }) => ms), inGroup });
    backs.length = 0;
    latencies.length = 0;
  }
}
