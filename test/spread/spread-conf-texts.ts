// Random spread.conf texts for properties: pieces of real ones in any order, so that most go deep into the grammar, and some are noise.
import fc from "fast-check";

const PIECES = [
  ...'Spread_Segment;{;};=;;;!;:;VirtualID;D;C;M;a;b;node-1;"a b";\'q\';"open'
    .split(";")
    .filter((piece) => piece !== ""),
  ...[
    ";",
    "192.0.2.1",
    "192.0.2.2",
    "127.0.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "300.1.1.1",
    "010.0.0.1",
    "192.0.2.255:4803",
    "192.0.2.255:99999",
    "::1",
  ],
  ...[
    "fe80::1%lo",
    "[::1]:4803",
    "[ff02::1]:99999",
    "[x]",
    "1",
    "0",
    "42",
    "1234567890",
    "true",
    "NO",
    "on",
    "auto",
    "IPv4",
    "IPv6",
    "PERMIT",
  ],
  ...[
    "EventLogFile",
    "EventTimeStamp",
    "EventPriority",
    "DebugFlags",
    "DangerousMonitor",
    "DaemonUser",
    "AllowedAuthMethods",
    "MaxSessionMessages",
  ],
  ...[
    "ActiveIPVersion",
    "Window",
    "PersonalWindow",
    "AcceleratedRing",
    "TokenTimeout",
    "LinkProtocol",
    "PRINT",
    "EXIT",
    "INFO",
    "Foo=1",
    "=5",
    "x;",
  ],
  ...[
    "# comment\n",
    "\n",
    "\t",
    "\r\n",
    "\v",
    "[",
    "]",
    "#",
    "'",
    '"',
    "\u00e9",
    "\u009b31m",
    "fe80::1%\u009b",
    "\x1b[2J",
    "\u202e",
    "Spread_Segment 192.0.2.255 { a 192.0.2.1 }\n",
    "Window = 100\n",
  ],
  ...[
    "Spread_Segment 192.0.2.255:4803 {\n",
    "a 192.0.2.1 { D 192.0.2.1 C 192.0.2.9 }\n",
    "b 192.0.2.2 VirtualID = 9 ;\n",
    "}\n",
  ],
];

/** Any text, mostly of pieces with or without blanks between. */
export const confText = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(fc.tuple(fc.constantFrom(...PIECES), fc.constantFrom(" ", " ", " ", "")), { maxLength: 24 })
      .map((parts) => parts.flat().join("")),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 80, unit: "binary" }) },
);

const PLAIN_PIECES = PIECES.filter((piece) => /^[\x09\x0a\x0d\x20-\x7e]*$/.test(piece));

const RIGHT = `MaxSessionMessages = 5000 | DebugFlags = { PRINT !EXIT } | Spread_Segment 192.0.2.255:4803 225.1.1.1 {
  a 192.0.2.1 { D C 192.0.2.1 C 127.0.0.1 } | "b" 192.0.2.2 VirtualID = 7 ; | 192.0.2.3 }
  Window = 100 | EventTimeStamp = "%H" | EventTimeStamp | Spread_Segment 192.0.3.255 { c 192.0.3.1 }`.split(/[ |\n]+/);

interface Change {
  readonly at: number;
  readonly remove: number;
  readonly insert: readonly string[];
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(RIGHT.length),
  remove: fc.integer({ min: 0, max: 2 }),
  insert: fc.array(fc.constantFrom(...PLAIN_PIECES), { maxLength: 2 }),
});

/** A right file with a few words taken out and put in: what the real daemon's verdict is compared on. About a third stay right. */
export const daemonText = fc
  .tuple(fc.array(change, { maxLength: 2 }), fc.constantFrom(" ", "\n", " # x\n"))
  .map(([changes, blank]) => {
    const words = [...RIGHT];
    for (const { at, remove, insert } of changes) words.splice(at, remove, ...insert);
    return words.join(blank);
  });
