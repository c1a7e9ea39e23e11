// Our verdict on a spread.conf against that of the real daemon: it is started with a name that no file has, so it reads the file, says
// that it has read it (or why not), and ends before it opens a socket.

import { describe, expect, test } from "bun:test";
import { lookup } from "node:dns/promises";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { namesToLookUp, readSpreadConf } from "../../lib/spread/spread-conf.ts";
import { configurationHash } from "../../lib/spread/spread-conf-hash.ts";
import { cases } from "../support/fuzz.ts";
import { hasRealSpread, spreadPrefix } from "../support/real-spread.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import vectors from "../vectors/probe/conf-hash.json";
import { daemonText } from "./spread-conf-texts.ts";

interface Verdict {
  readonly takes: boolean;
  readonly hash: number | undefined;
}

/** It looks names up, and a name server that answers late costs 5 s each time: where there is no network, there is none to ask. */
const nowhere =
  process.getuid?.() === 0 && Bun.which("unshare") !== null
    ? ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]
    : [];

function daemonVerdict(text: string): Verdict {
  using scratch = temporaryDirectory();
  const file = join(scratch.path, "spread.conf");
  const log = join(scratch.path, "log");
  // behind the text, so that its own logging options do not count; to a file, for on a pipe the last lines are lost with the daemon
  const logging = `\nEventLogFile = ${log}\nDebugFlags = { PRINT EXIT CONFIGURATION }\nEventPriority = INFO\n`;
  writeFileSync(file, `${text.replaceAll("EventLogFile", "RuntimeDir")}${logging}`);
  Bun.spawnSync([...nowhere, daemon, "-c", file, "-n", "no-such-daemon"], {
    cwd: scratch.path,
    stdout: "ignore",
    stderr: "ignore",
  });
  const told = existsSync(log) ? readFileSync(log, "utf8") : "";
  const hash = /Hash value for this configuration is: (\d+)/.exec(told)?.[1];
  return { takes: told.includes("Finished configuration file."), hash: hash === undefined ? undefined : Number(hash) };
}

async function ourVerdict(text: string): Promise<Verdict & { readonly errors: string[] }> {
  const addresses = new Map<string, string[]>();
  for (const name of namesToLookUp(readSpreadConf(text).conf)) {
    const found = await lookup(name, { all: true, verbatim: true }).catch(() => []);
    addresses.set(
      name,
      found.map(({ address }) => address),
    );
  }
  const { conf, errors } = readSpreadConf(text, { addresses });
  // this one mistake is only found when the daemon sets its timers, behind its reader
  const refused = errors.filter(({ code }) => code !== "timeouts");
  return { takes: refused.length === 0, hash: configurationHash(conf), errors: refused.map(({ code }) => code) };
}

const daemon = join(spreadPrefix, "sbin/spread");

const A = "a 192.0.2.1";
const S = (daemons: string) => `Spread_Segment 192.0.2.255:4803 { ${daemons} }`;
const TEXTS: readonly string[] = [
  "",
  "# only a comment",
  S(A),
  S(`${A} ; 192.0.2.2`),
  S(`${A};`),
  S("192.0.2.1 192.0.2.2"),
  S("192.0.2.1;192.0.2.2"),
  S("192.0.2.1 ;192.0.2.2"),
  S("a # c\n 192.0.2.1"),
  S("localhost"),
  S("localhost ; 192.0.2.2"),
  S("no.such.host.example"),
  S('"a b" 192.0.2.1'),
  S('"" 192.0.2.1'),
  S("'D' 192.0.2.1"),
  S('"a"b 192.0.2.1'),
  S('"a 192.0.2.1'),
  S("a=b 192.0.2.1"),
  S("a{ 192.0.2.1"),
  S("Window 192.0.2.1"),
  S("true 192.0.2.1"),
  S("PRINT 192.0.2.1"),
  S("INFO 192.0.2.1"),
  S("1234567890 192.0.2.1"),
  S("123456789 192.0.2.1"),
  S("!x 192.0.2.1"),
  S("x! 192.0.2.1"),
  S("! 192.0.2.1"),
  S("knoten-\u00fc 192.0.2.1"), // bytes from 0x80 are hashed as negative numbers
  S("\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc 192.0.2.1"), // cut in the middle of a character
  S("!\n 192.0.2.1"),
  S(": 192.0.2.1"),
  S("[a] 192.0.2.1"),
  S("a\v192.0.2.1"),
  S("a 300.0.2.1"),
  S("a 192.0.2.01"),
  S("a 192.0.2.1:4803"),
  S("a 0.0.0.0"),
  S("a 239.1.1.1"),
  S(`${A} ${A}`),
  S("a 192.0.2.1 b 192.0.2.1"),
  S("abcdefghijklmnopqrstuvwxyz 192.0.2.1 abcdefghijklmnopqrszzz 192.0.2.2"),
  S("abcdefghijklmnopqrs 192.0.2.1 abcdefghijklmnopqrt 192.0.2.2"),
  S(`${A} VirtualID = 1`),
  S(`${A} VirtualID = 0`),
  S(`${A} VirtualID = -1`),
  S(`${A} VirtualID = 4294967295`),
  S(`${A} VirtualID = 999999999`),
  S(`${A} VirtualID=1`),
  S(`${A} VirtualID = 5 b 192.0.2.2 VirtualID = 5`),
  S(`${A} { D 192.0.2.1 }`),
  S(`${A} { D C M 192.0.2.1 }`),
  S(`${A} { DC 192.0.2.1 }`),
  S(`${A} { C 192.0.2.1 }`),
  S(`${A} { C 192.0.2.1 D 0.0.0.0 }`),
  S(`${A} { 192.0.2.1 C 10.0.0.1 }`),
  S(`${A} { 10.0.0.1 }`),
  S(`${A} { }`),
  S(`${A} { D 192.0.2.1:4803 }`),
  S(`${A} { D 192.0.2.1 } ;`),
  S(`${A} ; { D 192.0.2.1 }`),
  S(`${A} { D 192.0.2.1 C ::1 }`),
  S(`${A} { ${"192.0.2.1 ".repeat(10)} }`),
  S(`${A} { ${"192.0.2.1 ".repeat(11)} }`),
  S(Array.from({ length: 128 }, (_, at) => `d${at} 10.0.0.${at}`).join(" ")),
  S(Array.from({ length: 129 }, (_, at) => `d${at} 10.0.0.${at}`).join(" ")),
  S(`${A} b 2001:db8::1`),
  S("a 2001:db8::1"),
  "Spread_Segment [ff02::1]:4803 { a 2001:db8::1 b 2001:DB8::2%lo }",
  "Spread_Segment ff02::1%lo { ::1%lo fe80::1:2:3 }",
  "Spread_Segment 2001:db8::ffff { a 1:2:3:4:5:6:7:8 b 1:2:3:4:5:6:7:: }",
  "Spread_Segment 2001:db8::ffff { a 1:2:3:4:5:6:7::8 }",
  "Spread_Segment 2001:db8::ffff { a ::ffff:192.0.2.1 }",
  "Spread_Segment [::1] { a ::1 }",
  "Spread_Segment [::1]:0 { a ::1 }",
  "Spread_Segment 192.0.2.255:0 { a 192.0.2.1 }",
  "Spread_Segment 192.0.2.255:65535 { a 192.0.2.1 }",
  "Spread_Segment 192.0.2.255:65536 { a 192.0.2.1 }",
  "Spread_Segment 192.0.2.255:123456 { a 192.0.2.1 }",
  "Spread_Segment 192.0.2.255:4803{a 192.0.2.1}",
  "Spread_Segment { a 192.0.2.1 }",
  "Spread_Segment localhost { a 127.0.0.1 }",
  "Spread_Segment 0.0.0.0 { a 192.0.2.1 }",
  "Spread_Segment 192.0.2.255 224.1.1.1 { a 192.0.2.1 }",
  "Spread_Segment 192.0.2.255 224.1.1.1:4803 { a 192.0.2.1 }",
  "Spread_Segment 192.0.2.255 224.0.0.1 224.0.0.2 224.0.0.3 224.0.0.4 { a 192.0.2.1 }",
  "Spread_Segment 192.0.2.255 224.0.0.1 224.0.0.2 224.0.0.3 224.0.0.4 224.0.0.5 { a 192.0.2.1 }",
  "Spread_Segment 192.0.2.255 { }",
  `${S(A)} Spread_Segment 192.0.3.255 { }`,
  `Spread_Segment 192.0.3.255 { } ${S(A)}`,
  `ActiveIPVersion = IPv4 Spread_Segment 192.0.3.255 { } ${S(A)}`,
  `${S(A)} Spread_Segment 192.0.2.255:4804 { b 192.0.2.1 }`,
  `${S(A)} Spread_Segment 192.0.2.255:4803 { b 192.0.2.1 }`,
  Array.from({ length: 20 }, (_, at) => `Spread_Segment 192.0.2.255 { d${at} 10.0.0.${at} }`).join("\n"),
  Array.from({ length: 21 }, (_, at) => `Spread_Segment 192.0.2.255 { d${at} 10.0.0.${at} }`).join("\n"),
  "Spread_Segment 192.0.2.255 { a 192.0.2.1",
  `${S(A)} }`,
  `${S(A)} x`,
  ...[
    "ActiveIPVersion = IPv4",
    "ActiveIPVersion = IPv6",
    "ActiveIPVersion = ipv4",
    'ActiveIPVersion = "IPv4"',
    "EventTimeStamp",
    "EventTimeStamp = x",
    'EventTimeStamp = "[%a %d %b %Y %H:%M:%S]"',
    "EventTimeStamp = 5",
    "EventPreciseTimeStamp",
    "EventPreciseTimeStamp = x",
    "EventPriority = WARNING",
    "EventPriority = DEBUG",
    "EventPriority = warning",
    "DebugFlags = { }",
    "DebugFlags = { ALL !DEBUG }",
    "DebugFlags ={ ALL }",
    "DebugFlags= { ALL }",
    "DebugFlags = { ALL ! DEBUG }",
    "DebugFlags = { ALL !\nDEBUG }",
    "DebugFlags = { ALL, DEBUG }",
    "DebugFlags = ALL",
    "DebugFlags = { INFO }",
    "DangerousMonitor = TRUE",
    "DangerousMonitor = yEs",
    "DangerousMonitor = 1",
    "DangerousMonitor = off",
    "SocketPortReuse = AUTO",
    "SocketPortReuse = true",
    "RuntimeDir = /tmp",
    'RuntimeDir = ""',
    `RuntimeDir = ${"x".repeat(4096)}`,
    `RuntimeDir = ${"x".repeat(4097)}`,
    `DaemonUser = ${"x".repeat(32)}`,
    `DaemonUser = ${"x".repeat(33)}`,
    "DaemonUser = D",
    "DaemonUser = 1000",
    "DaemonUser = 10.0.0.1",
    'DaemonUser = "1000"',
    "DaemonUser : x",
    'AllowedAuthMethods = "NULL IP"',
    "AllowedAuthMethods = NULL",
    'AllowedAuthMethods = "NOSUCH"',
    'RequiredAuthMethods = " "',
    "RequiredAuthMethods = NONE",
    "AccessControlPolicy = PERMIT",
    'AccessControlPolicy = "DENY"',
    "MaxSessionMessages = 0",
    "MaxSessionMessages = 999999999",
    "MaxSessionMessages = 1000000000",
    "MaxSessionMessages =5",
    "Window = 0",
    "Window = 10",
    "Window = 10 PersonalWindow = 10",
    "PersonalWindow = 161",
    "PersonalWindow = 10",
    "PersonalWindow = 10 AcceleratedRing = false",
    "PersonalWindow = 10 AcceleratedRing = true",
    "AcceleratedWindow = 0 AcceleratedRing = true",
    "AcceleratedWindow = 21",
    "AcceleratedRing = on",
    "WideAreaNetwork = true",
    "ExcludeSegAddrsFromHash = true",
    "IgnoreMulticastJoinErrors = no",
    "TokenTimeout = 0",
    "LinkProtocol = { Hop }",
    "spread_segment 192.0.2.255 { b 192.0.2.2 }",
    "Unknown = 1",
  ].flatMap((option) => [`${option}\n${S(A)}`, `${S(A)}\n${option}`]),
];

describe.if(hasRealSpread)("the real daemon's reader", () => {
  test("agrees with our verdict and our hash, file by file", async () => {
    const differences: string[] = [];
    for (const text of [...TEXTS, ...vectors.cases.map(({ config }) => config)]) {
      const real = daemonVerdict(text);
      const ours = await ourVerdict(text);
      if (real.takes !== ours.takes)
        differences.push(`${real.takes ? "takes" : "refuses"} ${JSON.stringify(text)}, we found [${ours.errors}]`);
      else if (real.takes && real.hash !== ours.hash)
        differences.push(`hashes ${JSON.stringify(text)} to ${real.hash}, we to ${ours.hash}`);
    }
    expect(differences).toEqual([]);
  }, 60_000);

  test("agrees on right files with words taken out and put in", async () => {
    await fc.assert(
      fc.asyncProperty(daemonText, async (text) => {
        fc.pre(namesToLookUp(readSpreadConf(text).conf).length === 0); // the resolver's waits would fill the time
        const ours = await ourVerdict(text);
        const real = daemonVerdict(text);
        expect({ takes: ours.takes, hash: ours.takes ? ours.hash : undefined }).toEqual(
          real.takes ? real : { takes: false, hash: undefined },
        );
      }),
      cases(400),
    );
  }, 600_000);
});
