import type { Socket } from "bun";
import { Fault } from "../../base/fault.ts";
import { type Answer, LineCutter, type Request, readAnswer, writeRequest } from "../message.ts";

export interface AskOptions {
  /** Ends the conversation: returns `undefined`. */
  readonly stop?: AbortSignal;
  /** How long the first line of the answer may take; unless given, `PATIENCE_MS`. */
  readonly patienceMs?: number;
}

/** What a service that is well answers in, however busy. */
export const PATIENCE_MS = 5_000;

/**
 * Asks a service one thing over its control socket.
 *
 * Yields the parts of the answer as they come, and returns the final value.
 * @param service its name, for messages: "syslogd"
 * @throws {Fault} kind "unavailable" where nobody listens, nothing comes in time or the service goes away; else the kind that the service told
 */
export async function* ask(
  service: string,
  path: string,
  request: Request,
  { stop, patienceMs = PATIENCE_MS }: AskOptions = {},
): AsyncGenerator<unknown, unknown> {
  const lines: Answer[] = [];
  let wake: () => void = () => {};
  let ended: Fault | undefined;
  let isOver = false;
  const cutter = new LineCutter();
  const finish = (fault: Fault) => {
    ended ??= fault;
    wake();
  };
  // A service that is stopped has its connections taken by the kernel all the same: only its silence tells.
  const timer = setTimeout(() => finish(silent(service, path)), patienceMs);
  const onStop = () => wake();
  stop?.addEventListener("abort", onStop);
  let socket: Socket<undefined> | undefined;
  const connecting = Bun.connect({
    unix: path,
    socket: {
      data(_socket, chunk) {
        try {
          lines.push(...cutter.take(chunk).map(readAnswer));
          if (lines.length > 0) clearTimeout(timer);
          wake();
        } catch (error) {
          finish(error as Fault);
        }
      },
      close: () => finish(new Fault("unavailable", "ended", `${service} went away in the middle of its answer`)),
    },
  });
  connecting.then(
    (connected) => {
      socket = connected;
      if (isOver) return socket.end();
      return socket.write(writeRequest(request));
    },
    (cause: NodeJS.ErrnoException) => finish(unreachable(service, path, cause)),
  );
  try {
    while (!stop?.aborted) {
      const answer = lines.shift();
      if (answer === undefined) {
        if (ended !== undefined) throw ended;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if (answer.is === "part") yield answer.value;
      else if (answer.is === "end") return answer.value;
      else throw new Fault(answer.kind, answer.code, answer.message);
    }
    return undefined;
  } finally {
    isOver = true;
    clearTimeout(timer);
    stop?.removeEventListener("abort", onStop);
    socket?.end();
  }
}

/** As `ask`, for requests with one answer. @throws the reason of `stop` where that came first */
export async function askOnce(
  service: string,
  path: string,
  request: Request,
  options: AskOptions = {},
): Promise<unknown> {
  const answers = ask(service, path, request, options);
  let step = await answers.next();
  while (!step.done) step = await answers.next();
  options.stop?.throwIfAborted();
  return step.value;
}

function silent(service: string, path: string): Fault {
  return new Fault("unavailable", "no-answer", `${service} does not answer at ${path}: stopped, or overloaded`);
}

function unreachable(service: string, path: string, cause: NodeJS.ErrnoException): Fault {
  if (cause.code === "EACCES") {
    return new Fault(
      "no-permission",
      "denied",
      `cannot reach ${service} at ${path}: permission denied; run as root or as the service's user`,
      { cause },
    );
  }
  if (cause.code === "EAGAIN") return silent(service, path); // its queue of connections is full
  const why =
    cause.code === "ENOENT" ? "no such socket" : cause.code === "ECONNREFUSED" ? "nobody listens" : cause.message;
  return new Fault("unavailable", "refused", `cannot reach ${service} at ${path}: ${why}; is ${service} running?`, {
    cause,
  });
}
