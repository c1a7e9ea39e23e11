// CRC-32C (Castagnoli), as of iSCSI: RFC 3720 section 12.1 and appendix B.4. It finds every error of up to three bits, and every burst of up to 32.
//
// Four tables take four bytes a step, so that no step waits for the table look-up before it.

const POLYNOMIAL = 0x82f63b78;
const T0 = new Uint32Array(256);
const T1 = new Uint32Array(256);
const T2 = new Uint32Array(256);
const T3 = new Uint32Array(256);

for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * POLYNOMIAL);
  T0[byte] = crc;
}
for (let byte = 0; byte < 256; byte++) {
  T1[byte] = (T0[byte]! >>> 8) ^ T0[T0[byte]! & 255]!;
  T2[byte] = (T1[byte]! >>> 8) ^ T0[T1[byte]! & 255]!;
  T3[byte] = (T2[byte]! >>> 8) ^ T0[T2[byte]! & 255]!;
}

/** The checksum of the bytes at [start, end), 0 to 2^32 - 1. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = T3[crc & 255]! ^ T2[(crc >>> 8) & 255]! ^ T1[(crc >>> 16) & 255]! ^ T0[crc >>> 24]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
