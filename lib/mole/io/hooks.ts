// Programs that are told what happens. They run beside the work: a hook that hangs holds up later calls of itself, never a take-over.
import type { Log } from "../../base/log.ts";
import type { HookTable, Occasion } from "../hook-table.ts";
import { describeEnd, runProgram } from "./program.ts";

/** What a hook finds in its environment, without the MOLE_ before each name. */
export type HookFacts = Readonly<Record<string, string>>;

/** Calls of one hook that wait for its earlier ones; more are dropped, and told. */
const WAITING_MAX = 256;

interface Lane {
  readonly hook: HookTable;
  readonly waiting: { readonly on: Occasion; readonly vip: string; readonly facts: HookFacts }[];
  isBusy: boolean;
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
    this.lanes = hooks.map((hook) => ({ hook, waiting: [], isBusy: false }));
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
      const name = `hook ${command[0]} (${call.on}${call.vip === "" ? "" : ` ${call.vip}`})`;
      const end = await runProgram({
        command,
        env: { ...this.env, ...facts },
        timeoutMs: timeout,
        onLine: (line) => this.log.notice(`${name}: ${line}`),
      });
      if (end.how === "exited" && end.status === 0) continue;
      this.failed += 1;
      this.log.warn(`${name}: ${describeEnd(end, timeout)}`);
    }
    lane.isBusy = false;
    for (const idle of this.idlers.splice(0)) idle();
  }
}
