import { Fault } from "./fault.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** What a duration looks like, for messages and help. */
export const DURATION_FORM = 'a duration such as "500ms", "5s", "2m30s", "1h" or "7d"';

/**
 * Reads a duration: one or more of NUMBER UNIT, largest first or not, units ms s m h d w; `0` alone needs no unit.
 * @returns milliseconds
 * @throws {Fault} kind "usage", code "duration"
 */
export function parseDuration(text: string): number {
  const ms = tryDuration(text);
  if (ms === undefined)
    throw new Fault("usage", "duration", `cannot read duration ${JSON.stringify(text)}: expected ${DURATION_FORM}`);
  return ms;
}

/** As `parseDuration`, `undefined` where the text is no duration. */
export function tryDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)) ms += Number(amount) * UNIT_MS[unit!]!;
  return Number.isSafeInteger(Math.ceil(ms)) ? ms : undefined;
}

/** Writes milliseconds as `parseDuration` reads them: "1m30s", "250ms", "1.5ms"; exact, the largest units first. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return ms === 0 ? "0" : `${Number(ms.toFixed(3))}ms`;
  let rest = ms;
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const whole = unit === "ms" ? Number(rest.toFixed(3)) : Math.floor(rest / UNIT_MS[unit]!);
    if (whole === 0) continue;
    text += `${whole}${unit}`;
    rest -= whole * UNIT_MS[unit]!;
  }
  return text;
}

/** For people who look at a table: whole seconds, from an hour on whole minutes, "0s" at the least. */
export function roughDuration(ms: number): string {
  const unit = ms < 3_600_000 ? 1_000 : 60_000;
  return ms < 1_000 ? "0s" : formatDuration(Math.floor(ms / unit) * unit);
}

/** As `roughDuration`, with a tenth below 10 s: "0.3s", "12s", "3m5s". */
export function briefDuration(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)}s` : roughDuration(ms);
}
