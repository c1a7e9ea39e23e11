// The flight recorder: what the machine was told and what it did, the last of it, for `mole dump` and for whoever asks after a crash. Beats are left out.
import type { Action } from "./action.ts";
import type { MoleEvent } from "./event.ts";
import type { GroupMessage } from "./message.ts";

/** One line of it. */
export interface Recorded {
  /** CLOCK_BOOTTIME. */
  readonly atMs: number;
  readonly what: string;
}

const LINES_MAX = 4_000;
const LINE_LENGTH_MAX = 500;

export class Recorder {
  private readonly lines: Recorded[] = [];
  private from = 0;

  note(atMs: number, what: string): void {
    const line = { atMs, what: what.length > LINE_LENGTH_MAX ? `${what.slice(0, LINE_LENGTH_MAX)}...` : what };
    if (this.lines.length < LINES_MAX) this.lines.push(line);
    else {
      this.lines[this.from] = line;
      this.from = (this.from + 1) % LINES_MAX;
    }
  }

  /** Oldest first. */
  all(): readonly Recorded[] {
    return [...this.lines.slice(this.from), ...this.lines.slice(0, this.from)];
  }
}

/** `undefined` for what comes all the time. */
export function describeEvent(event: MoleEvent): string | undefined {
  switch (event.on) {
    case "timer":
    case "stored":
      return undefined;
    case "message":
      return event.message.kind === "beat" ? undefined : `< ${event.from} ${describeMessage(event.message)}`;
    case "view": {
      const { id, cause, members, together } = event.view;
      return `< view ${id} by ${cause}: ${members.join(" ")}; together: ${together.join(" ")}`;
    }
    case "transitional":
      return "< transitional signal";
    case "config":
      return `config: ${event.config.definitions.length} vips`;
    case "start":
      return `start, holding ${event.held.map(({ name }) => name).join(" ") || "nothing"}`;
    default: {
      const { now: _now, ...rest } = event;
      return JSON.stringify(rest);
    }
  }
}

/** As `describeEvent`. */
export function describeAction(action: Action): string | undefined {
  switch (action.do) {
    case "wake":
    case "renew":
      return undefined;
    case "send":
      return action.message.kind === "beat" ? undefined : `> ${describeMessage(action.message)}`;
    case "acquire":
      return `acquire ${action.vip} by ${action.number}`;
    case "probe":
      return `probe ${action.vip}`;
    default:
      return JSON.stringify(action);
  }
}

function describeMessage(message: GroupMessage): string {
  switch (message.kind) {
    case "state": {
      const { identity, view, holds, table } = message;
      const known = table === undefined ? "no table" : `a table of ${table.entries.length}`;
      return `state of ${identity.host} in ${view}: holds ${holds.map(({ vip }) => vip).join(" ") || "nothing"}, ${known}`;
    }
    case "table":
      return `table of ${message.view}${message.begun ? ", begun" : ""}`;
    case "facts": {
      const { serial, ready, stopping, unfit } = message.facts;
      return `facts ${serial}${ready ? " ready" : ""}${stopping ? " stopping" : ""} unfit ${JSON.stringify(unfit)}`;
    }
    case "neighbours":
      return `${message.neighbours.length} neighbours, ${message.standing?.length ?? 0} standing`;
    default:
      return JSON.stringify(message);
  }
}
