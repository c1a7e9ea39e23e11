// Runs the checks, each at its own pace, one at a time, bounded; says when a vip's health turns. What results come to is in health.ts.
import { readdir, readFile } from "node:fs/promises";
import type { Log } from "../../base/log.ts";
import { bootMs, type Clock } from "../../run/clock.ts";
import { pause } from "../../run/pause.ts";
import { type HealthState, illVips, newHealth, noteResult } from "../health.ts";
import type { HealthTable } from "../health-table.ts";
import { describeEnd, runProgram } from "./program.ts";

interface Result {
  readonly ok: boolean;
  readonly text: string;
}

export interface HealthOptions {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** A vip's health has turned. */
  readonly onTurn: (vip: string, ok: boolean) => void;
}

export class HealthChecks {
  private states = new Map<string, HealthState>();
  private vips: readonly string[] = [];
  private ill: ReadonlySet<string> = new Set();
  private stop = new AbortController();

  constructor(private readonly options: HealthOptions) {}

  get all(): readonly HealthState[] {
    return [...this.states.values()];
  }

  /** Goes on with these checks. One that is as it was keeps what it knows. */
  configure(checks: readonly HealthTable[], vips: readonly string[]): void {
    this.stop.abort();
    this.stop = new AbortController();
    const nowMs = bootMs();
    const before = this.states;
    this.vips = vips;
    this.states = new Map();
    for (const check of checks) {
      const known = before.get(check.name);
      const isSame = known !== undefined && JSON.stringify(known.check) === JSON.stringify(check);
      this.states.set(check.name, isSame ? known : newHealth(check, nowMs));
      void this.keepChecking(check, this.stop.signal);
    }
    this.judge();
  }

  [Symbol.dispose](): void {
    this.stop.abort();
  }

  private async keepChecking(check: HealthTable, stop: AbortSignal): Promise<void> {
    const { clock, log } = this.options;
    while (!stop.aborted) {
      const startMs = clock.monotonicMs();
      const { ok, text } = await this.check(check);
      if (stop.aborted) return;
      const before = this.states.get(check.name)!;
      const after = noteResult(before, ok, text, bootMs());
      this.states.set(check.name, after);
      if (after.isWell !== before.isWell) {
        if (after.isWell) log.notice(`health ${check.name}: works again: ${text}`);
        else log.error(`health ${check.name}: failed ${check.fall} times: ${text}`);
        this.judge();
      }
      await pause(Math.max(10, check.interval - (clock.monotonicMs() - startMs)), stop);
    }
  }

  private judge(): void {
    const ill = illVips(this.all, this.vips);
    const before = this.ill;
    this.ill = ill;
    for (const vip of ill) if (!before.has(vip)) this.options.onTurn(vip, false);
    for (const vip of before) if (!ill.has(vip)) this.options.onTurn(vip, true);
  }

  private check(check: HealthTable): Promise<Result> {
    if (check.command !== undefined) return this.checkCommand(check.command, check.timeout);
    if (check.tcp !== undefined) return checkTcp(check.tcp, check.timeout);
    if (check.http !== undefined) return checkHttp(check.http, check.expect, check.timeout);
    return checkProcess(check.process!, check.timeout);
  }

  private async checkCommand(command: readonly string[], timeoutMs: number): Promise<Result> {
    let last = "";
    const onLine = (line: string) => {
      if (line.trim() !== "") last = line;
    };
    const end = await runProgram({ command, env: this.options.env, timeoutMs, onLine, leavesNothing: true });
    const ok = end.how === "exited" && end.status === 0;
    return { ok, text: `${describeEnd(end, timeoutMs)}${last === "" ? "" : `: ${last}`}` };
  }
}

async function checkTcp({ host, port }: { readonly host: string; readonly port: number }, ms: number): Promise<Result> {
  const { promise: late, resolve } = Promise.withResolvers<Result>();
  const timer = setTimeout(() => resolve({ ok: false, text: `no answer within ${ms} ms` }), ms);
  const connecting = Bun.connect({ hostname: host, port, socket: { data() {}, error() {} } }).then(
    (socket) => {
      socket.terminate();
      return { ok: true, text: "it took the connection" };
    },
    (error) => ({ ok: false, text: error instanceof Error ? error.message : String(error) }),
  );
  const result = await Promise.race([late, connecting]);
  clearTimeout(timer);
  return result;
}

async function checkHttp(url: string, expect: readonly number[] | undefined, ms: number): Promise<Result> {
  try {
    const answer = await fetch(url, {
      signal: AbortSignal.timeout(ms),
      redirect: "manual",
      keepalive: false,
      headers: { "user-agent": "spreadbox-mole", connection: "close" },
    });
    await answer.body?.cancel();
    const ok = expect === undefined ? answer.status >= 200 && answer.status < 400 : expect.includes(answer.status);
    return { ok, text: `status ${answer.status}` };
  } catch (error) {
    const isLate = error instanceof Error && error.name === "TimeoutError";
    return {
      ok: false,
      text: isLate ? `no answer within ${ms} ms` : error instanceof Error ? error.message : "failed",
    };
  }
}

/** By the name in /proc/PID/comm, which the kernel cuts to 15 characters, or the program's own file name. */
async function checkProcess(name: string, ms: number): Promise<Result> {
  const deadline = performance.now() + ms;
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    if (performance.now() > deadline) return { ok: false, text: `not found within ${ms} ms` };
    const comm = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
    const isIt =
      comm.trimEnd() === name.slice(0, 15) &&
      (name.length < 15 || (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).includes(name));
    // A zombie is no process that serves anybody.
    if (isIt && !/^State:\s*[ZX]/m.test(await readFile(`/proc/${pid}/status`, "utf8").catch(() => "State: X")))
      return { ok: true, text: `runs as process ${pid}` };
  }
  return { ok: false, text: "no such process" };
}
