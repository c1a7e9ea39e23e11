// Templates that make names: paths of files, and groups.
//
// In a path and in a group name a field is one piece of the name and can't become more, whatever a sender calls itself: no `/`, no leading dot, nothing
// unprintable, at most 100 bytes, and `-` where it is empty. So `%host%/%app%.log` never leaves its directory. The template's own text is taken as it is.
//
// A daemon needs the name of every record. `NameCache` writes it as bytes into one place and finds there what was made of it the first time: no
// string a record.
import type { GroupName } from "../spread/names.ts";
import { groupName } from "./group-name.ts";
import { writeConstant } from "./output.ts";
import type { RecordView } from "./record.ts";
import type { Template } from "./template.ts";
import { Manner } from "./template-field.ts";
import { UTC, type ZoneOffset } from "./zone.ts";

const FIELD_BYTES_MAX = 100;
/** No field is longer; small ones are not cut, nor need they be. */
const FIELD_ROOM = 128;
const UNDERSCORE = 0x5f;
const MINUS = 0x2d;
const DOT = 0x2e;
const UTF8 = new TextDecoder();

/** Makes one name of a record. */
export class NameTemplate {
  /** Room enough for every name. */
  readonly bytesMax: number;
  readonly #template: Template;
  readonly #manner: Manner;
  readonly #isUnfit: Uint8Array;

  /**
   * @param kind "path": a field has no slash and no leading dot; "group": it has what Spread takes
   * @param zone the zone of `%year%` and so on
   */
  constructor(
    template: Template,
    readonly kind: "path" | "group",
    zone: ZoneOffset = UTC,
  ) {
    this.#template = template;
    this.#manner = new Manner(zone, false, FIELD_BYTES_MAX);
    this.#isUnfit = kind === "path" ? UNFIT_FOR_PATH : UNFIT_FOR_GROUP;
    this.bytesMax = template.pieces.reduce(
      (sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : FIELD_ROOM),
      0,
    );
  }

  /** Writes the name at the beginning of `out`, which has room for `bytesMax`, and returns its length. */
  write(record: RecordView, out: Uint8Array): number {
    let at = 0;
    for (const piece of this.#template.pieces) {
      if (piece instanceof Uint8Array) {
        at = writeConstant(out, at, piece);
        continue;
      }
      const end = piece.write(record, out, at, this.#manner);
      if (end === at) out[at] = MINUS;
      else this.#makeFit(out, at, end);
      at = Math.max(end, at + 1);
    }
    return at;
  }

  /** The name as text. */
  expand(record: RecordView): string {
    const out = new Uint8Array(this.bytesMax);
    return UTF8.decode(out.subarray(0, this.write(record, out)));
  }

  #makeFit(out: Uint8Array, from: number, to: number): void {
    if (out[from] === DOT && this.kind === "path") out[from] = UNDERSCORE;
    for (let index = from; index < to; index++) if (this.#isUnfit[out[index]!] !== 0) out[index] = UNDERSCORE;
  }
}

/** The path of the file that a record belongs in. */
export function expandPath(template: Template, record: RecordView, zone: ZoneOffset = UTC): string {
  return new NameTemplate(template, "path", zone).expand(record);
}

/** The group that a record belongs in. */
export function expandGroup(template: Template, record: RecordView): GroupName {
  return groupName(new NameTemplate(template, "group").expand(record));
}

interface Entry<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
  /** Of the same hash. */
  readonly next: Entry<T> | undefined;
}

/**
 * What was made of each name: a queue, a file. Bounded: when it is full it begins anew, and asks again for what it needs. Where nothing was made of a name
 * (`undefined`), nothing is kept: who sends a million names that there is no room for fills no memory with them.
 */
export class NameCache<T> {
  readonly #entries = new Map<number, Entry<T>>();
  readonly #scratch: Uint8Array;
  #size = 0;

  /** @param make called with a name that is not kept, at first and after every `clear` */
  constructor(
    readonly template: NameTemplate,
    readonly namesMax: number,
    readonly make: (name: string) => T,
  ) {
    this.#scratch = new Uint8Array(template.bytesMax);
  }

  /** What belongs to the name of this record. */
  get(record: RecordView): T {
    const scratch = this.#scratch;
    const length = this.template.write(record, scratch);
    const hash = hashOf(scratch, length);
    const first = this.#entries.get(hash);
    for (let entry = first; entry !== undefined; entry = entry.next) {
      if (isSame(entry.bytes, scratch, length)) return entry.value;
    }
    return this.#add(hash, length);
  }

  /** Forgets all of it. */
  clear(): void {
    this.#entries.clear();
    this.#size = 0;
  }

  #add(hash: number, length: number): T {
    const value = this.make(UTF8.decode(this.#scratch.subarray(0, length)));
    if (value === undefined) return value;
    if (this.#size >= this.namesMax) this.clear();
    const bytes = this.#scratch.slice(0, length);
    this.#entries.set(hash, { bytes, value, next: this.#entries.get(hash) });
    this.#size++;
    return value;
  }
}

function isSame(kept: Uint8Array, scratch: Uint8Array, length: number): boolean {
  if (kept.length !== length) return false;
  for (let index = 0; index < length; index++) if (kept[index] !== scratch[index]) return false;
  return true;
}

function hashOf(bytes: Uint8Array, length: number): number {
  let hash = length;
  for (let index = 0; index < length; index++) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  return hash;
}

const UNFIT_FOR_PATH = new Uint8Array(256);
UNFIT_FOR_PATH.fill(1, 0, 0x20);
UNFIT_FOR_PATH[0x7f] = 1;
UNFIT_FOR_PATH[0x2f] = 1;

const UNFIT_FOR_GROUP = new Uint8Array(256).fill(1);
UNFIT_FOR_GROUP.fill(0, 0x24, 0x7f);
