// Writes times. Many records are of the same second: what does not change within it is rendered once and copied after that.
import { CivilDate } from "./civil-date.ts";
import { ascii, writeConstant, writeDigits } from "./output.ts";

/** The longest that `iso` writes: "2003-10-11T22:14:15.000003-07:00". */
export const ISO_BYTES_MAX = 32;
/** What `bsd` writes: "Oct 11 22:14:15". */
export const BSD_BYTES = 15;

const ISO_SECOND_BYTES = 19;
const SECONDS_OF_DAY = 86_400;
const MONTHS = ascii("JanFebMarAprMayJunJulAugSepOctNovDec");
const SPACE = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const DIGIT_0 = 0x30;
const COLON = 0x3a;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;

/** Writes times in ISO 8601 and as BSD did. Each writer of records has one. */
export class TimeWriter {
  /** Of the local time that is rendered: seconds since 1970 as if it were UTC. */
  #localSecond = Number.NaN;
  readonly #iso = new Uint8Array(ISO_SECOND_BYTES);
  readonly #bsd = new Uint8Array(BSD_BYTES);
  readonly #date = new CivilDate();

  /** "2003-10-11T22:14:15.003Z", "...-07:00": RFC 3339, with as many digits of the second as are needed of none, three and six. */
  iso(out: Uint8Array, at: number, timeUs: number, zoneMinutes: number): number {
    const second = Math.floor(timeUs / 1_000_000);
    this.#render(second + zoneMinutes * 60);
    at = writeConstant(out, at, this.#iso);
    const micros = timeUs - second * 1_000_000;
    if (micros > 0) {
      out[at++] = DOT;
      at = micros % 1000 === 0 ? writeDigits(out, at, micros / 1000, 3) : writeDigits(out, at, micros, 6);
    }
    if (zoneMinutes === 0) {
      out[at] = LETTER_Z;
      return at + 1;
    }
    out[at++] = zoneMinutes < 0 ? MINUS : PLUS;
    const offset = Math.abs(zoneMinutes);
    at = writeDigits(out, at, Math.floor(offset / 60), 2);
    out[at++] = COLON;
    return writeDigits(out, at, offset % 60, 2);
  }

  /** "Oct 11 22:14:15" (RFC 3164 section 4.1.2). */
  bsd(out: Uint8Array, at: number, timeUs: number, zoneMinutes: number): number {
    this.#render(Math.floor(timeUs / 1_000_000) + zoneMinutes * 60);
    return writeConstant(out, at, this.#bsd);
  }

  #render(localSecond: number): void {
    if (localSecond === this.#localSecond) return;
    this.#localSecond = localSecond;
    const day = Math.floor(localSecond / SECONDS_OF_DAY);
    const ofDay = localSecond - day * SECONDS_OF_DAY;
    const date = this.#date;
    date.setDays(day);

    const iso = this.#iso;
    let at = writeDigits(iso, 0, Math.max(0, date.year), 4); // a year below 0 or above 9999 can't be written, and is of no log
    iso[at++] = MINUS;
    at = writeDigits(iso, at, date.month, 2);
    iso[at++] = MINUS;
    at = writeDigits(iso, at, date.day, 2);
    iso[at++] = LETTER_T;
    at = writeDigits(iso, at, Math.floor(ofDay / 3600), 2);
    iso[at++] = COLON;
    at = writeDigits(iso, at, Math.floor(ofDay / 60) % 60, 2);
    iso[at++] = COLON;
    writeDigits(iso, at, ofDay % 60, 2);

    const bsd = this.#bsd;
    bsd.set(MONTHS.subarray(date.month * 3 - 3, date.month * 3), 0);
    bsd[3] = SPACE;
    bsd[4] = date.day < 10 ? SPACE : DIGIT_0 + Math.floor(date.day / 10);
    bsd[5] = DIGIT_0 + (date.day % 10);
    bsd[6] = SPACE;
    bsd.set(iso.subarray(11, 19), 7);
  }
}
