// When a log file is put aside, what it is called then, and how long it is kept: decisions, no files.
//
//   messages                         the file that is written
//   messages-20261123T152038Z        put aside, at that time; a second one of the same second has the next second in its name
//   messages-20261123T152038Z.gz     and compressed
//   messages-20261123T152038Z.gz.part   being compressed
//
// A name never changes but for the ending: nothing is renumbered, and names sort by age.
import { CivilDate, daysOfDate } from "../syslog/civil-date.ts";

export interface RotationRule {
  /** Put aside when it is this large; Infinity: never for its size. */
  readonly bytesMax: number;
  /** Put aside when it was begun so long ago; Infinity: never for its age. */
  readonly ageMaxMs: number;
  readonly compress: boolean;
  /** How many are kept, and for how long since they were put aside. */
  readonly keep: number;
  readonly keepMs: number;
}

const STAMP = /^-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:\.(\d{1,4}))?(\.gz)?(\.part)?$/;

/** Whether a file that holds `bytes` and was begun at `begunMs` is to be put aside now. An empty one never is. */
export function isDue(rule: RotationRule, bytes: number, begunMs: number, nowMs: number): boolean {
  return bytes > 0 && (bytes >= rule.bytesMax || nowMs - begunMs >= rule.ageMaxMs);
}

/** A file that was put aside. */
export interface Aside {
  readonly name: string;
  readonly atMs: number;
  /** Among those of the same second: versions before this wrote ".1", ".2" ... behind it. */
  readonly turn: number;
  readonly form: "plain" | "compressed" | "partial";
}

/** What `name` is of the log file called `base`, both without directory; `undefined` where it is not one that was put aside. */
export function tryAside(base: string, name: string): Aside | undefined {
  if (!name.startsWith(base)) return undefined;
  const found = STAMP.exec(name.slice(base.length));
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, turn, compressed, partial] = found;
  const days = daysOfDate(Number(year), Number(month), Number(day));
  const atMs = (((days * 24 + Number(hour)) * 60 + Number(minute)) * 60 + Number(second)) * 1_000;
  const form = partial !== undefined ? "partial" : compressed !== undefined ? "compressed" : "plain";
  return { name, atMs, turn: Number(turn ?? 0), form };
}

/** Names run ahead of the clock by so much at most; what is later is of a clock that was put back since. */
const AHEAD_MS = 3_600_000;

/**
 * The name for a file that is put aside now: of this second, or of the one behind the last of `names`, so that it sorts behind all of them, compressed or not, by any
 * collation. A place that an older one has left is not taken again.
 */
export function asideName(base: string, wallMs: number, names: readonly string[]): string {
  const nowMs = Math.floor(wallMs / 1_000) * 1_000;
  const taken = names.flatMap((name) => tryAside(base, name) ?? []).map(({ atMs }) => atMs);
  const ahead = taken.filter((atMs) => atMs >= nowMs && atMs < nowMs + AHEAD_MS);
  let atMs = Math.max(nowMs, ...ahead.map((one) => one + 1_000));
  while (taken.includes(atMs)) atMs += 1_000;
  return `${base}-${stampOf(atMs)}`;
}

/** What is to be done with the files of a directory. */
export interface Housekeeping {
  /** The oldest first. */
  readonly remove: readonly string[];
  readonly compress: readonly string[];
}

/** What retention and compression ask of the files beside the log file `base`. Left alone: all that was not put aside. */
export function housekeeping(rule: RotationRule, base: string, names: readonly string[], nowMs: number): Housekeeping {
  const all = names.flatMap((name) => tryAside(base, name) ?? []);
  const partial = all.filter(({ form }) => form === "partial").map(({ name }) => name); // of a run that ended in the midst
  const whole = all.filter(({ form }) => form !== "partial").sort((a, b) => a.atMs - b.atMs || a.turn - b.turn);
  const kept = whole.slice(Math.max(0, whole.length - rule.keep)).filter(({ atMs }) => nowMs - atMs <= rule.keepMs);
  const gone = whole.filter((one) => !kept.includes(one)).map(({ name }) => name);
  return {
    remove: [...partial, ...gone],
    compress: rule.compress ? kept.filter(({ form }) => form === "plain").map(({ name }) => name) : [],
  };
}

/** When, as it stands in a name: "20261123T152038Z". */
export function stampOf(wallMs: number): string {
  const seconds = Math.floor(wallMs / 1_000);
  const days = Math.floor(seconds / 86_400);
  const date = new CivilDate();
  date.setDays(days);
  const time = seconds - days * 86_400;
  const two = (value: number) => `${value}`.padStart(2, "0");
  const clock = two(Math.floor(time / 3_600)) + two(Math.floor(time / 60) % 60) + two(time % 60);
  return `${`${date.year}`.padStart(4, "0")}${two(date.month)}${two(date.day)}T${clock}Z`;
}
