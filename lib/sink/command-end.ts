// How a command ended, as the record that is published of it.

/** How a command ended. `status`: as a shell would show it, 127 where it could not be started, 128 + n behind signal n. */
export interface CommandEnd {
  readonly status: number;
  readonly signal: string | undefined;
  readonly durationMs: number;
  /** Why it could not be started. */
  readonly failure: string | undefined;
}

/** The id of the element that says how a command ended. The number is the one that RFC 5612 sets aside for documentation. */
const ELEMENT_ID = "command@32473";

/** The record's text: `exited with status 1 after 2.345 s`. */
export function commandEndText({ status, signal, durationMs, failure }: CommandEnd): string {
  if (failure !== undefined) return `could not be started: ${failure}`;
  const after = `after ${seconds(durationMs)} s`;
  return signal === undefined ? `exited with status ${status} ${after}` : `was ended by ${signal} ${after}`;
}

/** The same as structured data: `[command@32473 status="1" seconds="2.345" lines="7"]`. @param lines of output. @param unkept those for which there was no room */
export function commandEndData(end: CommandEnd, lines: number, unkept: number): string {
  const params = [`status="${end.status}"`, `seconds="${seconds(end.durationMs)}"`, `lines="${lines}"`];
  if (end.signal !== undefined) params.push(`signal="${end.signal}"`);
  if (unkept > 0) params.push(`dropped="${unkept}"`);
  return `[${ELEMENT_ID} ${params.join(" ")}]`;
}

function seconds(ms: number): string {
  return (Math.round(ms) / 1_000).toFixed(3);
}
