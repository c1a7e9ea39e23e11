// A name on the wire: 32 bytes, cut at the first NUL. Bytes behind the NUL mean nothing, though daemons pass them on (PROTOCOL.md, 4).
// Text here is one character a byte (U+0000 to U+00FF), so that any field read and written again is the same bytes: daemons do not
// check the names in messages, and no decoder of UTF-8 may be let loose on them.
import { NAME_FIELD_BYTES } from "./limits.ts";

/** Length of the name in the field at `at`: to the first NUL, 32 where there is none. */
export function nameBytes(bytes: Uint8Array, at: number): number {
  for (let length = 0; length < NAME_FIELD_BYTES; length++) if (bytes[at + length] === 0) return length;
  return NAME_FIELD_BYTES;
}

/** The name in the field at `at`, one character a byte. Never throws: what the name may be is asked elsewhere. */
export function readName(bytes: Uint8Array, at: number): string {
  let name = "";
  for (let index = at; index < at + NAME_FIELD_BYTES; index++) {
    const byte = bytes[index]!;
    if (byte === 0) break;
    name += String.fromCharCode(byte);
  }
  return name;
}

/** Writes `name` and fills the field with NUL. Characters are taken as bytes; the 32nd and later are cut. @returns where the field ends */
export function writeName(bytes: Uint8Array, at: number, name: string): number {
  const length = Math.min(name.length, NAME_FIELD_BYTES - 1);
  for (let index = 0; index < length; index++) bytes[at + index] = name.charCodeAt(index);
  bytes.fill(0, at + length, at + NAME_FIELD_BYTES);
  return at + NAME_FIELD_BYTES;
}

/** A field of its own, to be copied into many frames. */
export function nameField(name: string): Uint8Array {
  const field = new Uint8Array(NAME_FIELD_BYTES);
  writeName(field, 0, name);
  return field;
}

/** `true` where the field at `at` holds the same name as `field`: both cut at their first NUL. */
export function isName(bytes: Uint8Array, at: number, field: Uint8Array): boolean {
  for (let index = 0; index < NAME_FIELD_BYTES; index++) {
    const byte = bytes[at + index]!;
    if (byte !== field[index]!) return false;
    if (byte === 0) return true;
  }
  return true;
}
