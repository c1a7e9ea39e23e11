import fc from "fast-check";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** What a hostile line is made of: random bytes, escape sequences, controls, tricky characters, whole or cut, and plain text. */
export const hostile = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc
        .constantFrom(
          "\x1b[2J",
          "\x1b]0;title\x07",
          "\x1bP+q\x1b\\",
          "\x9b31m",
          "\u009b31m",
          "\r",
          "\n",
          "\t",
          "\0",
          "\x7f",
          "\u2028",
          "\u202etxt.exe",
          "\u2066",
          "\u200b",
          "\ufeff",
          "\u{e0041}",
          "é",
          "e\u0301",
          "日本語",
          "👩‍👩‍👧",
          "🇩🇪",
          "\ud800",
          "a\u0300\u0301\u0302\u0303\u0304\u0305",
          "\\x1b",
          " ",
          "plain text",
          "x".repeat(70),
        )
        .map(bytesOf),
      fc.string({ unit: "binary", maxLength: 10 }).map(bytesOf),
    ),
    { maxLength: 12 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));
