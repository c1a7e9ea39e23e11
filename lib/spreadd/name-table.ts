// A map from names on the wire to values, looked up where the name lies in a frame: no string is made for a message. Open addressing with linear
// probing; an entry that goes is closed up behind, so there are no graves. Clients choose the names, so the hash starts from a seed they do not know.
import { assert } from "../base/assert.ts";
import { isName } from "../spread/name-field.ts";

const SLOTS_MIN = 16;

/** Values by name; a name ends at its first NUL (PROTOCOL.md 4). */
export class NameTable<T> {
  #size = 0;
  #mask = SLOTS_MIN - 1;
  #hashes = new Int32Array(SLOTS_MIN);
  #fields: (Uint8Array | undefined)[] = new Array(SLOTS_MIN).fill(undefined);
  #values: (T | undefined)[] = new Array(SLOTS_MIN).fill(undefined);

  /** @param seed any 32 bits that clients can't know */
  constructor(readonly seed: number) {}

  get size(): number {
    return this.#size;
  }

  /** The value for the name in the field at `at`. */
  get(bytes: Uint8Array, at: number): T | undefined {
    return this.#values[this.#find(bytes, at, hashName(bytes, at, this.seed))];
  }

  /** Adds a name that is not in the table. @param field its 32 bytes, kept: must never change */
  add(field: Uint8Array, value: T): void {
    if (this.#size * 2 >= this.#fields.length) this.#resize(this.#fields.length * 2);
    const hash = hashName(field, 0, this.seed);
    const slot = this.#find(field, 0, hash);
    assert(this.#fields[slot] === undefined, "a name is added once");
    this.#put(slot, hash, field, value);
    this.#size += 1;
  }

  /** Removes a name; nothing happens where it is not in the table. */
  delete(field: Uint8Array): void {
    let gap = this.#find(field, 0, hashName(field, 0, this.seed));
    if (this.#fields[gap] === undefined) return;
    this.#size -= 1;
    // whoever was pushed past the gap moves into it
    for (let slot = (gap + 1) & this.#mask; this.#fields[slot] !== undefined; slot = (slot + 1) & this.#mask) {
      const home = this.#hashes[slot]! & this.#mask;
      if (((slot - home) & this.#mask) < ((slot - gap) & this.#mask)) continue;
      this.#put(gap, this.#hashes[slot]!, this.#fields[slot], this.#values[slot]);
      gap = slot;
    }
    this.#put(gap, 0, undefined, undefined);
    if (this.#fields.length > SLOTS_MIN && this.#size * 8 < this.#fields.length) this.#resize(this.#fields.length / 2);
  }

  /** In no order. Don't change the table meanwhile. */
  *values(): Generator<T> {
    for (const [slot, field] of this.#fields.entries()) if (field !== undefined) yield this.#values[slot]!;
  }

  /** Where the name stands, or the free slot where it would. */
  #find(bytes: Uint8Array, at: number, hash: number): number {
    let slot = hash & this.#mask;
    for (;;) {
      const field = this.#fields[slot];
      if (field === undefined || (this.#hashes[slot] === hash && isName(bytes, at, field))) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #put(slot: number, hash: number, field: Uint8Array | undefined, value: T | undefined): void {
    this.#hashes[slot] = hash;
    this.#fields[slot] = field;
    this.#values[slot] = value;
  }

  #resize(slots: number): void {
    const hashes = this.#hashes;
    const fields = this.#fields;
    const values = this.#values;
    this.#mask = slots - 1;
    this.#hashes = new Int32Array(slots);
    this.#fields = new Array(slots).fill(undefined);
    this.#values = new Array(slots).fill(undefined);
    for (const [old, field] of fields.entries()) {
      if (field === undefined) continue;
      const hash = hashes[old]!;
      this.#put(this.#find(field, 0, hash), hash, field, values[old]);
    }
  }
}

/** FNV-1a over the bytes up to the NUL, with the high bits folded into those that pick the slot. */
function hashName(bytes: Uint8Array, at: number, seed: number): number {
  let hash = seed | 0;
  for (let index = 0; index < 32; index++) {
    const byte = bytes[at + index]!;
    if (byte === 0) break;
    hash = Math.imul(hash ^ byte, 0x0100_0193);
  }
  return hash ^ (hash >>> 15);
}
