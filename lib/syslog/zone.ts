// Time zones: how far local time is ahead of UTC, at an instant.

/** Minutes east of UTC of local time, at an instant given in milliseconds since 1970, UTC. */
export type ZoneOffset = (utcMs: number) => number;

export const UTC: ZoneOffset = () => 0;

const QUARTER_MS = 900_000;
const QUARTERS_KEPT = 4096;

/** A zone that is always the same number of minutes east of UTC. */
export function fixedZone(minutes: number): ZoneOffset {
  return () => minutes;
}

/**
 * The zone of an IANA name such as "Europe/Berlin", or of an offset such as "+05:30"; `undefined` where there is no such zone.
 *
 * Asking the zone data base costs microseconds, a log line may not: no zone changes within a quarter of an hour of UTC, so each quarter is asked for once,
 * and those near by are kept.
 */
export function tryZone(name: string): ZoneOffset | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset", year: "numeric" });
  } catch (error) {
    if (error instanceof RangeError) return undefined; // unknown name
    throw error;
  }
  const offsets = new Map<number, number>();
  let lastQuarter = Number.NaN;
  let lastOffset = 0;
  return (utcMs) => {
    const quarter = Math.floor(utcMs / QUARTER_MS);
    if (quarter === lastQuarter) return lastOffset;
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      offset = offsetAt(format, quarter * QUARTER_MS);
      if (offsets.size >= QUARTERS_KEPT) offsets.clear(); // senders with wild clocks: start again rather than grow
      offsets.set(quarter, offset);
    }
    lastQuarter = quarter;
    lastOffset = offset;
    return offset;
  };
}

/** The last instant that the zone data base takes, in milliseconds (ECMA-262 section 21.4.1.1). */
const INSTANT_MS_MAX = 8.64e15;

function offsetAt(format: Intl.DateTimeFormat, utcMs: number): number {
  const instant = Math.max(-INSTANT_MS_MAX, Math.min(INSTANT_MS_MAX, utcMs));
  const written = format.formatToParts(instant).find((part) => part.type === "timeZoneName")?.value ?? "";
  const parts = /^GMT([+-])(\d\d):(\d\d)/.exec(written); // "GMT" alone is 0; the seconds of times before railways are left off
  if (parts === null) return 0;
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  return parts[1] === "-" ? -minutes : minutes;
}
