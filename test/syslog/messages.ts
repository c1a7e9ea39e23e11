// Messages for properties: what is sent, what is sent broken, and what nobody sends.
import fc from "fast-check";
import { bytesOf, encode, messages } from "./sample.ts";

const sampleBytes = messages.map(bytesOf);

/** Words that headers are made of, in no order. */
const token = fc.constantFrom(
  ...'<13>|<191>|<999>|<|>|1 |2 | |  |-|- |:|: |[|]|[x]|[77]|[77]:|\\|"|=|.|*|/|\n|\0|\r|\t|\x7f|\ufeff|é|\u{10348}|\u0085'.split(
    "|",
  ),
  ..."Nov 23 06:34:11|2026-11-23T06:34:11.5+01:00|2026-11-23T06:34:11Z|2007|CST 1987|UTC:|91: |Feb 29 00:00:00".split(
    "|",
  ),
  ..."host|own.name|2001:db8::7|app|app:|app[7]:|%ASA-6-1:|Message forwarded from |-- MARK --|text".split("|"),
  '[a b="c"]',
  '[sb@32473 rx="17" marks="cut,late" form="3164"]',
  '[a b="\\"\\]\\\\"]',
);

const ofTokens = fc.array(token, { maxLength: 14 }).map((tokens) => encode(tokens.join("")));
const ofBytes = fc.uint8Array({ maxLength: 120 });
const whole = fc.constantFrom(...sampleBytes);
const cutShort = fc.tuple(whole, fc.nat()).map(([bytes, at]) => bytes.slice(0, at % (bytes.length + 1)));

/** A sample with some of its bytes changed, put in or taken out. */
const mutated = fc
  .tuple(
    whole,
    fc.array(fc.tuple(fc.nat(), fc.constantFrom("change", "insert", "remove"), fc.nat({ max: 255 })), { maxLength: 6 }),
  )
  .map(([bytes, changes]) => {
    const changed = [...bytes];
    for (const [where, how, byte] of changes) {
      const at = where % (changed.length + 1);
      changed.splice(at, how === "insert" ? 0 : 1, ...(how === "remove" ? [] : [byte]));
    }
    return Uint8Array.from(changed);
  });

/** Any message at all. */
export const anyMessage = fc.oneof(
  { weight: 3, arbitrary: mutated },
  { weight: 3, arbitrary: ofTokens },
  { weight: 1, arbitrary: cutShort },
  { weight: 1, arbitrary: ofBytes },
  { weight: 1, arbitrary: whole },
);
