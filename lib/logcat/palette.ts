// Colours, by meaning: severity has its own, and each host keeps one, the same on every screen. Values are SGR parameters (ECMA-48 section 8.3.117).

/** By severity, 0 to 7; "" is the terminal's own. */
export const SEVERITY_COLOURS: readonly string[] = ["1;37;41", "1;31", "1;31", "31", "33", "1", "", "2"];

export const FAINT = "2";
/** What logcat itself says between the records. */
export const NOTICE_COLOUR = "1;35";
export const HIGHLIGHT_ON = "7";
export const HIGHLIGHT_OFF = "27";

/** Of the 256 colours, those that can be told apart and read on light and on dark; no red and no yellow, which mean a severity. */
const HOST_COLOURS: readonly string[] = [
  "32",
  "34",
  "35",
  "36",
  "38;5;30",
  "38;5;65",
  "38;5;69",
  "38;5;97",
  "38;5;108",
  "38;5;132",
  "38;5;141",
  "38;5;173",
];

/** The colour of the host whose name lies at [from, to): FNV-1a over its bytes, so that it is the same for everybody. */
export function hostColour(bytes: Uint8Array, from: number, to: number): string {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  hash ^= hash >>> 15;
  return HOST_COLOURS[(hash >>> 0) % HOST_COLOURS.length]!;
}
