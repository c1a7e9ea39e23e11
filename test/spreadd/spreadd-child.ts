// The daemon as a process of its own, for tests: takes its table as JSON, says on stdout when it listens and, on SIGUSR1, how it is. SIGTERM ends it.
import * as v from "valibot";
import { systemClock } from "../../lib/run/clock.ts";
import { reload } from "../../lib/spreadd/io/reload.ts";
import { serve } from "../../lib/spreadd/io/serve.ts";
import { spreaddTable } from "../../lib/spreadd/table.ts";

export interface ChildState {
  readonly sessions: number;
  readonly groups: number;
  readonly rssBytes: number;
  readonly cpuMs: number;
  readonly slow: number;
  readonly illegal: number;
  readonly waits: number;
}

if (import.meta.main) {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const log = { error: say, warn: say, notice: say, debug: () => {} };
  const onFailed = (fault: Error) => {
    throw fault;
  };
  const table = v.parse(spreaddTable.schema, JSON.parse(process.argv[2] ?? "{}"));
  const daemon = await serve(table, { clock: systemClock, log, onFailed });
  process.on("SIGUSR1", () => {
    const { server } = daemon;
    const { user, system } = process.cpuUsage();
    const state: ChildState = {
      sessions: server.daemon.sessionCount,
      groups: server.daemon.groupCount,
      rssBytes: process.memoryUsage().rss,
      cpuMs: (user + system) / 1_000,
      slow: server.daemon.counters.slow,
      illegal: server.daemon.counters.illegal,
      waits: server.daemon.counters.waits,
    };
    process.stdout.write(`state ${JSON.stringify(state)}\n`);
  });
  process.on("SIGHUP", () => {
    try {
      reload(daemon, { load: () => table, clock: systemClock, env: {}, log });
    } catch {
      // told already
    }
  });
  process.on("SIGTERM", () => {
    daemon.stop();
    process.exit(0);
  });
  process.stdout.write(`listening on ${daemon.listening.join(" ")}\n`);
}
