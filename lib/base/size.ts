import { Fault } from "./fault.ts";

const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** What a size looks like, for messages and help. */
export const SIZE_FORM = 'a size such as "64KiB", "256MiB", "10MB" or "1GiB"';

/**
 * Reads a size in bytes: NUMBER UNIT, units B kB MB GB TB (powers of 1000) and KiB MiB GiB TiB (powers of 1024); `0` alone needs none.
 * @throws {Fault} kind "usage", code "size"
 */
export function parseSize(text: string): number {
  const bytes = trySize(text);
  if (bytes === undefined)
    throw new Fault("usage", "size", `cannot read size ${JSON.stringify(text)}: expected ${SIZE_FORM}`);
  return bytes;
}

/** As `parseSize`, `undefined` where the text is no size. */
export function trySize(text: string): number | undefined {
  if (text === "0") return 0;
  const match = /^(\d+(?:\.\d+)?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * UNIT_BYTES[match[2]!]!;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Writes a number of bytes for people: powers of 1024, at most one decimal: "143.2 KiB". */
export function formatSize(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (value < 1024) return `${Number(value.toFixed(1))} ${unit}`;
    value /= 1024;
  }
  return `${Number(value.toFixed(1))} TiB`;
}
