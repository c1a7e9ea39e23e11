// How the time of a record is shown. The part up to the second is made once a second of log time; records come in order, so that is nearly always at hand.
import { CivilDate } from "../syslog/civil-date.ts";
import type { ZoneOffset } from "../syslog/zone.ts";
import type { LineWriter } from "./line-writer.ts";

/** `local`: date and time here. `utc`: the same in UTC. `iso`: RFC 3339, with the zone. `relative`: since logcat was started. `none`: no time at all. */
export type TimeLook = "local" | "utc" | "iso" | "relative" | "none";

export const TIME_LOOKS: readonly TimeLook[] = ["local", "utc", "iso", "relative", "none"];

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export class ClockFace {
  #second = Number.NaN;
  /** What comes before and behind the fraction of a second. */
  #before = "";
  #behind = "";
  readonly #date = new CivilDate();

  /**
   * @param zone    local time; "utc" does not ask it
   * @param startUs when logcat was started, for "relative": microseconds since 1970
   */
  constructor(
    readonly look: TimeLook,
    private readonly zone: ZoneOffset,
    private readonly startUs: number,
  ) {}

  /** Writes the time, nothing behind it. @param timeUs microseconds since 1970, UTC */
  write(line: LineWriter, timeUs: number): void {
    if (this.look === "none") return;
    const shownUs = this.look === "relative" ? Math.abs(timeUs - this.startUs) : timeUs;
    const second = Math.floor(shownUs / 1_000_000);
    const micros = shownUs - second * 1_000_000;
    if (this.look === "relative") {
      line.ascii(timeUs < this.startUs ? "-" : "+");
      line.ascii(`${clock(second)}.${digits(Math.floor(micros / 1_000), 3)}`);
      return;
    }
    if (second !== this.#second) this.#setSecond(second);
    line.ascii(this.#before);
    line.ascii(this.look === "iso" ? digits(Math.floor(micros), 6) : digits(Math.floor(micros / 1_000), 3));
    line.ascii(this.#behind);
  }

  #setSecond(second: number): void {
    this.#second = second;
    const offset = this.look === "utc" ? 0 : this.zone(second * 1_000);
    const local = second + offset * 60;
    const days = Math.floor(local / 86_400);
    const date = this.#date;
    date.setDays(days);
    const time = clock(local - days * 86_400);
    if (this.look === "iso") {
      this.#before = `${digits(date.year, 4)}-${digits(date.month, 2)}-${digits(date.day, 2)}T${time}.`;
      this.#behind = zoneText(offset);
    } else {
      this.#before = `${MONTHS[date.month - 1]} ${digits(date.day, 2)} ${time}.`;
      this.#behind = this.look === "utc" ? "Z" : "";
    }
  }
}

/** hh:mm:ss; hours go on past 99. */
function clock(second: number): string {
  return `${digits(Math.floor(second / 3_600), 2)}:${digits(Math.floor(second / 60) % 60, 2)}:${digits(second % 60, 2)}`;
}

function zoneText(offsetMinutes: number): string {
  if (offsetMinutes === 0) return "Z";
  const minutes = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? "-" : "+"}${digits(Math.floor(minutes / 60), 2)}:${digits(minutes % 60, 2)}`;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
