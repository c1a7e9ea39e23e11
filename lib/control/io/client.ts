import { Fault } from "../../base/fault.ts";
import { type Answer, LineCutter, type Request, readAnswer, writeRequest } from "../message.ts";

/**
 * Asks a service one thing over its control socket.
 *
 * Yields the parts of the answer as they come, and returns the final value.
 * @param service its name, for messages: "syslogd"
 * @param stop    ends the conversation: returns `undefined`
 * @throws {Fault} kind "unavailable" where nobody listens or the service goes away; else the kind that the service told
 */
export async function* ask(
  service: string,
  path: string,
  request: Request,
  stop?: AbortSignal,
): AsyncGenerator<unknown, unknown> {
  const lines: Answer[] = [];
  let wake: () => void = () => {};
  let ended: Fault | undefined;
  const cutter = new LineCutter();
  const finish = (fault: Fault) => {
    ended ??= fault;
    wake();
  };
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data(_socket, chunk) {
        try {
          lines.push(...cutter.take(chunk).map(readAnswer));
          wake();
        } catch (error) {
          finish(error as Fault);
        }
      },
      close: () => finish(new Fault("unavailable", "ended", `${service} went away in the middle of its answer`)),
    },
  }).catch((cause: NodeJS.ErrnoException) => {
    throw unreachable(service, path, cause);
  });
  const onStop = () => wake();
  stop?.addEventListener("abort", onStop);
  try {
    socket.write(writeRequest(request));
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
    stop?.removeEventListener("abort", onStop);
    socket.end();
  }
}

/** As `ask`, for requests with one answer. */
export async function askOnce(service: string, path: string, request: Request): Promise<unknown> {
  const answers = ask(service, path, request);
  let step = await answers.next();
  while (!step.done) step = await answers.next();
  return step.value;
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
  const why =
    cause.code === "ENOENT" ? "no such socket" : cause.code === "ECONNREFUSED" ? "nobody listens" : cause.message;
  return new Fault("unavailable", "refused", `cannot reach ${service} at ${path}: ${why}; is ${service} running?`, {
    cause,
  });
}
