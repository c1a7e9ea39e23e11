// What becomes of a sink's event: one line for the operator, and how urgent it is.
import { formatDuration } from "../base/duration.ts";
import type { SeverityName } from "../syslog/severity.ts";
import type { SinkEvent } from "./sink.ts";

export interface Report {
  readonly severity: SeverityName;
  readonly text: string;
}

/** The line for an event of the sink `name`. `waiting`: how many records are in its queue. */
export function reportOf(name: string, event: SinkEvent, waiting: number): Report {
  switch (event.on) {
    case "failing":
      return { severity: "err", text: `${name}: ${event.reason}${waits(waiting)}` };
    case "losing": {
      const since = formatDuration(Math.round(event.outageMs / 1_000) * 1_000);
      const text = `${name}: fails since ${since}, and records are lost now: ${event.reason}; how many is told when it works again`;
      return { severity: "err", text };
    }
    case "working": {
      const after = `${name}: works again after ${formatDuration(Math.round(event.outageMs))}`;
      const { uncertain = 0 } = event;
      if (uncertain > 0) {
        const text = event.lost === 0 ? after : `${after}, ${lost(event.lost)}`;
        return {
          severity: "warning",
          text: `${text}; ${records(uncertain)} may be lost${event.lost === 0 ? "" : " besides"}`,
        };
      }
      if (event.lost === 0) return { severity: "notice", text: `${after}, nothing lost` };
      return { severity: "warning", text: `${after}, ${lost(event.lost)}` };
    }
    case "overflowed":
      return { severity: "warning", text: `${name}: was too slow for a while, ${lost(event.lost)}` };
    case "crowded": {
      const why = `records for many more files than the ${event.openFilesMax} that may be open came faster than these took them, and filled the queue`;
      return { severity: "warning", text: `${name}: ${why}, ${lost(event.lost)}` };
    }
    default:
      return event satisfies never;
  }
}

function waits(count: number): string {
  if (count === 0) return "";
  return count === 1 ? "; 1 record waits, and will be tried again" : `; ${count} records wait, and will be tried again`;
}

function lost(count: number): string {
  return `${records(count)} lost`;
}

function records(count: number): string {
  return count === 1 ? "1 record" : `${count} records`;
}
