/** An Ethernet address: 6 bytes. */
export type Mac = Uint8Array;

/** "02:00:00:00:00:07" */
export function formatMac(mac: Mac): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

export function tryMac(text: string): Mac | undefined {
  if (!/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16));
}

export function sameMac(a: Mac, b: Mac): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
