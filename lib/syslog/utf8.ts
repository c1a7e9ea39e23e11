// UTF-8, where it has to be looked at byte by byte: messages may hold anything.

/** The length of the character at `at`, 1 to 4; 0 where the bytes are not UTF-8 (RFC 3629 section 4: no surrogates, nothing longer than needed). */
export function characterBytes(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (end - at < length) return 0;
  const second = bytes[at + 1]!;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let index = 2; index < length; index++) if ((bytes[at + index]! & 0xc0) !== 0x80) return 0;
  return length;
}

/** The end nearest to `cut`, and not behind it, that does not cut a character in two. */
export function cutAtCharacter(bytes: Uint8Array, start: number, cut: number): number {
  let at = cut;
  while (at > start && cut - at < 3 && (bytes[at]! & 0xc0) === 0x80) at--;
  // Only a whole character that the cut falls into moves it: broken bytes are cut where the limit says.
  return at < cut && characterBytes(bytes, at, bytes.length) > cut - at ? at : cut;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes at [from, to) as text in which each byte that is not UTF-8 stands as `\xNN`: nothing is lost, and nothing is U+FFFD that was not sent. */
export function textWithEscapes(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  let at = from;
  while (at < to) {
    const validEnd = endOfValid(bytes, at, to);
    if (validEnd > at) text += UTF8.decode(bytes.subarray(at, validEnd));
    for (at = validEnd; at < to && characterBytes(bytes, at, to) === 0; at++) {
      text += `\\x${bytes[at]!.toString(16).padStart(2, "0")}`;
    }
  }
  return text;
}

function endOfValid(bytes: Uint8Array, at: number, to: number): number {
  while (at < to) {
    const length = characterBytes(bytes, at, to);
    if (length === 0) break;
    at += length;
  }
  return at;
}
