/** A record of utmp, as glibc writes it. */
export function utmpRecord(type: number, user: string, line: string): Uint8Array {
  const bytes = new Uint8Array(384);
  new DataView(bytes.buffer).setInt16(0, type, true);
  bytes.set(new TextEncoder().encode(line).subarray(0, 32), 8);
  bytes.set(new TextEncoder().encode(user).subarray(0, 32), 44);
  return bytes;
}
