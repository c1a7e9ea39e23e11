// stdout as `Output`. `console.log` goes on silently when the reader has gone, and `Bun.stdout.writer()` throws without end;
// `process.stdout.write` with an `error` listener tells once. See the EPIPE cases in test/e2e.
import type { Output } from "../call.ts";

/** Stdout of this process. Make one only: it listens for the stream's errors. */
export function standardOutput(env: Readonly<Record<string, string | undefined>>): Output {
  const stream = process.stdout;
  const isTerminal = stream.isTTY === true;
  const gone = new AbortController();
  stream.on("error", (error) => gone.abort(error)); // the reason: EPIPE is no failure, a full disk is
  return {
    isTerminal,
    get columns() {
      return stream.columns || Number(env["COLUMNS"]) || 80;
    },
    colour: isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb",
    closed: gone.signal,
    write(text) {
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
