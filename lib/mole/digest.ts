// A short name for a text, the same on every host. It tells definitions apart that differ by accident; it is no defence against a forger (the HMAC is).

/** 16 hexadecimal digits: two FNV-1a sums of 32 bits over the text's UTF-16 units, from different starts. */
export function digestOf(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ (unit + at), 0x01000193);
  }
  return hex(a) + hex(b);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
