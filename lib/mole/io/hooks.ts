// Programs that are told what happens. They run beside the work: a hook that hangs holds up later calls of itself, never a take-over.
import { roughDuration } from "../../base/duration.ts";
import type { Log } from "../../base/log.ts";
import { bootMs } from "../../run/clock.ts";
import type { HookTable, Occasion } from "../hook-table.ts";
import { canRun, describeEnd, runProgram } from "./program.ts";

/** What a hook finds in its environment, without the MOLE_ before each name. */
export type HookFacts = Readonly<Record<string, string>>;

/** Calls of one hook that wait for its earlier ones; more are dropped, and told. */
const WAITING_MAX = 256;
/** For so long a call that failed is told of, unless a later one of the same hook goes well. */
const LATELY_MS = 3_600_000;

interface Lane {
  readonly hook: HookTable;
  readonly waiting: { readonly on: Occasion; readonly vip: string; readonly facts: HookFacts }[];
  isBusy: boolean;
  /** How its last call ended, if that was no good. */
  failure: { readonly call: string; readonly how: string; readonly atMs: number } | undefined;
}

export class Hooks {
  private lanes: Lane[] = [];
  private readonly idlers: (() => void)[] = [];
  /** Calls that were not made. */
  dropped = 0;
  failed = 0;

  constructor(
    hooks: readonly HookTable[],
    private readonly env: Readonly<Record<string, string | undefined>>,
    private readonly log: Log,
  ) {
    this.configure(hooks);
  }

  /** Calls that wait are still made, by their old hooks. */
  configure(hooks: readonly HookTable[]): void {
    this.lanes = hooks.map((hook) => ({ hook, waiting: [], isBusy: false, failure: undefined }));
  }

  /** What is wrong with hooks just now: those that can't be run, and those whose last call failed lately. */
  troubles(nowMs: number): readonly string[] {
    return [
      ...new Set([
        ...this.unfit(),
        ...this.lanes.flatMap(({ hook, failure }) => {
          const agoMs = nowMs - (failure?.atMs ?? Number.NEGATIVE_INFINITY);
          if (failure === undefined || agoMs > LATELY_MS || !this.isFit(hook)) return [];
          return [`hook ${hook.command[0]} (${failure.call}) failed ${roughDuration(agoMs)} ago: ${failure.how}`];
        }),
      ]),
    ];
  }

  /** Those that can't be run, as of now. */
  unfit(): readonly string[] {
    return this.lanes
      .filter(({ hook }) => !this.isFit(hook))
      .map(({ hook }) => `hook ${hook.command[0]} can't be run: no such program, or it is not executable`);
  }

  private isFit({ command }: HookTable): boolean {
    return canRun(command[0]!, this.env["PATH"]);
  }

  /** @param vip "" where it is about none */
  call(on: Occasion, vip: string, facts: HookFacts): void {
    for (const lane of this.lanes) {
      const { hook, waiting } = lane;
      if (!hook.on.includes(on) || (vip !== "" && hook.vips !== undefined && !hook.vips.includes(vip))) continue;
      if (waiting.length >= WAITING_MAX) {
        this.dropped += 1;
        this.log.error(`hook ${hook.command[0]}: ${WAITING_MAX} calls wait for it: not called on ${on} ${vip}`);
        continue;
      }
      waiting.push({ on, vip, facts });
      if (!lane.isBusy) void this.run(lane);
    }
  }

  /** Resolves when no call is running or waiting. */
  async idle(): Promise<void> {
    while (this.lanes.some(({ isBusy }) => isBusy)) await new Promise<void>((resolve) => this.idlers.push(resolve));
  }

  private async run(lane: Lane): Promise<void> {
    lane.isBusy = true;
    for (let call = lane.waiting.shift(); call !== undefined; call = lane.waiting.shift()) {
      const { command, timeout } = lane.hook;
      const facts: Record<string, string> = { MOLE_EVENT: call.on, MOLE_VIP: call.vip };
      for (const [name, value] of Object.entries(call.facts)) facts[`MOLE_${name}`] = value;
      const called = `${call.on}${call.vip === "" ? "" : ` ${call.vip}`}`;
      const name = `hook ${command[0]} (${called})`;
      const end = await runProgram({
        command,
        env: { ...this.env, ...facts },
        timeoutMs: timeout,
        onLine: (line) => this.log.notice(`${name}: ${line}`),
      });
      lane.failure = undefined;
      if (end.how === "exited" && end.status === 0) continue;
      this.failed += 1;
      const how = describeEnd(end, timeout);
      lane.failure = { call: called, how, atMs: bootMs() };
      this.log.warn(`${name}: ${how}`);
    }
    lane.isBusy = false;
    for (const idle of this.idlers.splice(0)) idle();
  }
}
