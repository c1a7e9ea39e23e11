// Random TOML documents that are right: written by hand-made rules, so that every form of the language occurs, not only those that a serializer would choose.
import fc from "fast-check";

const word = fc.constantFrom("a", "b", "c", "d1", "e-f", "g_h", "port", "name", "9");
const text = fc.string({ maxLength: 8 });

const key = fc.oneof(
  { weight: 4, arbitrary: word },
  { weight: 1, arbitrary: fc.constantFrom('"a b"', "'c\"d'", '"\\u0065"', '""', "'.'", '"[x]"', '"a = #"') },
);

const scalar = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom("true", "false", "0x1F", "0o17", "0b1", "1_000", "-1.5e3", "inf", "nan", "+7"),
  fc.constantFrom("1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.5+01:00"),
  text.map((chars) => JSON.stringify(chars).replaceAll("\x7f", "")),
  text.map((chars) => `'${chars.replace(/[^ -&(-~]/g, "")}'`),
  text.map((chars) => `"""${chars.replace(/[^ -!#-[\]-~]/g, "")}\n# = [x]\n""""`),
  text.map((chars) => `'''\n${chars.replace(/[^ -&(-~]/g, "")}\n[t]\n'''`),
);

const blank = fc.constantFrom("", " ", "\t ", "  ");
const gap = fc.constantFrom("", " ", "\n  ", " # ], }\n", "\r\n");

const { value } = fc.letrec<{ value: string; array: string; table: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, { weight: 4, arbitrary: scalar }, tie("array"), tie("table")),
  array: fc.tuple(fc.array(tie("value"), { maxLength: 3 }), gap, fc.boolean()).map(([values, space, comma]) => {
    const trailing = comma && values.length > 0 ? `,${space}` : "";
    return `[${space}${values.join(`${space},${space}`)}${space}${trailing}]`;
  }),
  table: fc
    .tuple(fc.uniqueArray(word, { maxLength: 3 }), fc.array(tie("value"), { minLength: 3, maxLength: 3 }), blank)
    .map(
      ([keys, values, space]) =>
        `{${space}${keys.map((name, at) => `${name}${space}=${space}${values[at]}`).join(`${space},${space}`)}${space}}`,
    ),
}));

const pair = fc
  .tuple(blank, blank, value, fc.constantFrom("", " # a = [", "\t#"))
  .map(([before, between, written, after]) => ({ before, between, written, after }));

/** Keys of one table: different words, one now and then dotted below a word of its own, so that none is written twice. */
const body = fc
  .tuple(
    fc.uniqueArray(key, { maxLength: 4, selector: (one) => unquoted(one) }),
    fc.array(pair, { minLength: 4, maxLength: 4 }),
    fc.boolean(),
  )
  .map(([keys, pairs, dotted]) =>
    keys
      .map((name, at) => {
        const { before, between, written, after } = pairs[at]!;
        const full = dotted && at === 0 ? `${name}${between}.${between}x` : name;
        return `${before}${full}${between}=${between}${written}${after}\n`;
      })
      .join(""),
  );

const section = fc.tuple(fc.boolean(), blank, fc.nat(3), body);

/** Tables `t0`, `t1` ...: plain ones, arrays of one to four elements, and tables below either. */
export const tomlDocument: fc.Arbitrary<string> = fc
  .tuple(body, fc.array(section, { maxLength: 4 }))
  .map(([top, sections]) => {
    let document = top;
    for (const [at, [isArray, space, more, inner]] of sections.entries()) {
      const name = `t${at}`;
      const repeats = isArray ? more + 1 : 1;
      for (let nth = 0; nth < repeats; nth++) {
        document += isArray ? `[[${space}${name}${space}]]\n${inner}` : `[${space}${name}${space}] # [x]\n${inner}`;
        document += `[${name}.${space}"sub ${at}"]\n${inner}`;
      }
    }
    return document;
  });

function unquoted(written: string): string {
  if (written === '"\\u0065"') return "e";
  return /^["']/.test(written) ? written.slice(1, -1) : written;
}
