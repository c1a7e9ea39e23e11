// Parties of a bench in processes of their own: this very program is started again with `bench --worker`, and spoken to in JSON lines over its stdin and
// stdout. First the plan; then, to a sender: {"grant": n}, {"go": true}, {"stop": true}; to a receiver: {"finish": [sent, ...], "quietMs": n}.
// From a worker: {"ready": true} or {"failed": fault}; {"progress": [sender, n]}; {"done": outcome}. Both are of one build: no version is needed.
import { Fault, type FaultKind } from "../../base/fault.ts";
import type { SessionOptions } from "../../spread/index.ts";
import type { Server } from "../../spread/server.ts";
import type { BenchPlan } from "../bench-plan.ts";
import type { ReceiverOutcome, SenderOutcome } from "../bench-result.ts";
import type { OnProgress, ReceiverParty, SenderParty } from "./bench-party.ts";
import { LocalReceiver } from "./bench-receiver.ts";
import { LocalSender } from "./bench-sender.ts";
import { eachLine } from "./each-line.ts";

/** The first line to a worker. JSON has no infinity: `null` is for ever. */
interface Assignment {
  readonly role: "sender" | "receiver";
  readonly index: number;
  readonly servers: readonly Server[] | undefined;
  readonly plan: Omit<BenchPlan, "messages" | "durationMs"> & {
    readonly messages: number | null;
    readonly durationMs: number | null;
  };
}

type ToWorker =
  | { readonly grant: number }
  | { readonly go: true }
  | { readonly stop: true }
  | { readonly finish: readonly number[]; readonly quietMs: number };

type FromWorker =
  | { readonly ready: true }
  | { readonly failed: { readonly kind: FaultKind; readonly code: string; readonly message: string } }
  | { readonly progress: readonly [sender: number, received: number] }
  | { readonly done: unknown };

export function spawnSender(session: SessionOptions, plan: BenchPlan, index: number): SenderParty {
  const worker = new Worker({ role: "sender", index, servers: serversOf(session), plan: finite(plan) }, () => {});
  return {
    ready: worker.ready,
    go: () => worker.say({ go: true }),
    grant: (limit) => worker.say({ grant: Math.min(limit, Number.MAX_SAFE_INTEGER) }),
    stop: () => worker.say({ stop: true }),
    done: worker.done as Promise<SenderOutcome>, // what a worker of this role says
    [Symbol.asyncDispose]: () => worker.end(),
  };
}

export function spawnReceiver(session: SessionOptions, plan: BenchPlan, onProgress: OnProgress): ReceiverParty {
  const worker = new Worker(
    { role: "receiver", index: 0, servers: serversOf(session), plan: finite(plan) },
    onProgress,
  );
  return {
    ready: worker.ready,
    async finish(sent, quietMs) {
      worker.say({ finish: sent, quietMs });
      return (await worker.done) as ReceiverOutcome;
    },
    [Symbol.asyncDispose]: () => worker.end(),
  };
}

/** What a worker process does, from its first line to its end. */
export async function benchWorker(): Promise<void> {
  const lines = eachLine(Bun.stdin.stream());
  const first = await lines.next();
  if (first.done === true) return;
  const { role, index, servers, plan } = JSON.parse(first.value) as Assignment; // our own parent wrote it
  const session: SessionOptions = servers === undefined ? {} : { servers };
  const whole: BenchPlan = {
    ...plan,
    messages: plan.messages ?? Number.POSITIVE_INFINITY,
    durationMs: plan.durationMs ?? Number.POSITIVE_INFINITY,
  };
  await using party =
    role === "sender"
      ? new LocalSender(session, whole, index)
      : new LocalReceiver(session, whole, (sender, received) => tell({ progress: [sender, received] }));
  try {
    await party.ready;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return tell({ failed: { kind: error.kind, code: error.code, message: error.message } });
  }
  tell({ ready: true });
  if (party instanceof LocalSender) void party.done.then((done) => tell({ done }));
  for await (const line of lines) {
    const said = JSON.parse(line) as ToWorker;
    if (party instanceof LocalReceiver) {
      if ("finish" in said) tell({ done: await party.finish(said.finish, said.quietMs) });
    } else if ("grant" in said) party.grant(said.grant);
    else if ("go" in said) party.go();
    else if ("stop" in said) party.stop();
  }
}

function tell(message: FromWorker): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

class Worker {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #ready = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<unknown>();

  constructor(
    assignment: Assignment,
    private readonly onProgress: OnProgress,
  ) {
    this.#process = Bun.spawn({
      cmd: [...self(), "spread-probe", "bench", "--worker"],
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#write(assignment);
    void this.#listen();
    for (const { promise } of [this.#ready, this.#done]) promise.catch(() => {}); // told to whoever waits
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get done(): Promise<unknown> {
    return this.#done.promise;
  }

  say(message: ToWorker): void {
    this.#write(message);
  }

  async end(): Promise<void> {
    this.#process.stdin.end();
    await this.#process.exited;
  }

  #write(message: Assignment | ToWorker): void {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`);
    this.#process.stdin.flush();
  }

  async #listen(): Promise<void> {
    for await (const line of eachLine(this.#process.stdout)) {
      const said = JSON.parse(line) as FromWorker;
      if ("progress" in said) this.onProgress(...said.progress);
      else if ("ready" in said) this.#ready.resolve();
      else if ("done" in said) this.#done.resolve(said.done);
      else this.#ready.reject(new Fault(said.failed.kind, said.failed.code, said.failed.message));
    }
    const ended = new Fault(
      "unavailable",
      "worker",
      `a process of the bench ended with status ${await this.#process.exited} before it was done`,
    );
    this.#ready.reject(ended);
    this.#done.reject(ended);
  }
}

/** How to start this program again: the compiled executable itself, or bun with our entry point. */
function self(): readonly string[] {
  return Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
}

/** Options go to a worker as JSON: only what a bench sets. */
function serversOf({ servers }: SessionOptions): readonly Server[] | undefined {
  return servers as readonly Server[] | undefined; // the command has parsed them
}

function finite({ messages, durationMs, ...plan }: BenchPlan): Assignment["plan"] {
  const orNull = (value: number) => (value === Number.POSITIVE_INFINITY ? null : value);
  return { ...plan, messages: orNull(messages), durationMs: orNull(durationMs) };
}
