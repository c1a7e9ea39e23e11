// stdout as `Output`. `console.log` goes on silently when the reader has gone, and `Bun.stdout.writer()` throws without end;
// `process.stdout.write` with an `error` listener tells once. See the EPIPE cases in test/e2e.
import { readFileSync, readlinkSync } from "node:fs";
import type { Output } from "../call.ts";

/** Stdout of this process. Make one only: it listens for the stream's errors. */
export function standardOutput(env: Readonly<Record<string, string | undefined>>): Output {
  const stream = process.stdout;
  const isTerminal = stream.isTTY === true;
  const isClosed = wasClosed(STDOUT);
  const gone = new AbortController();
  stream.on("error", (error) => gone.abort(error)); // the reason: EPIPE is no failure, a full disk is
  return {
    isTerminal,
    get columns() {
      return stream.columns || Number(env["COLUMNS"]) || 80;
    },
    get rows() {
      return stream.rows || undefined;
    },
    colour: isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb",
    closed: gone.signal,
    write(text) {
      if (isClosed && !gone.signal.aborted) gone.abort(new ClosedError()); // not before: a service may have no use for it
      if (gone.signal.aborted || text.length === 0) return Promise.resolve();
      // The callback comes when the system has the bytes, so a slow reader slows the producer. After EPIPE it may never come.
      return new Promise((resolve) => {
        // The callback is told of an error before the stream's listener is.
        const done = (error?: Error | Event | null) => {
          gone.signal.removeEventListener("abort", done);
          if (error instanceof Error) gone.abort(error);
          resolve();
        };
        gone.signal.addEventListener("abort", done);
        stream.write(text, done);
      });
    },
  };
}

const STDOUT = 1;
const O_CLOEXEC = 0o2000000;

class ClosedError extends Error {
  readonly code = "EBADF";

  constructor() {
    super("it is closed");
  }
}

/** Whether we were started without this descriptor. The runtime has put /dev/null there since, that goes at an exec: what was given to us by one does not. */
function wasClosed(fd: number): boolean {
  try {
    const [, flags = "0"] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1")) ?? [];
    return (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0 && readlinkSync(`/proc/self/fd/${fd}`) === "/dev/null";
  } catch {
    return false; // without /proc it can't be known
  }
}
