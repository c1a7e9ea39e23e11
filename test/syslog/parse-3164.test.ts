// RFC 3164 beyond the samples: each case is one thing that senders do.
import { expect, test } from "bun:test";
import { origin } from "../../lib/syslog/record.ts";
import { type Arrival, recordOf, saidBy } from "./sample.ts";

const LOCAL: Arrival = { origin: origin("unix", "own"), rules: { hostInHeader: false } };
const AT = "<13>Nov 23 06:34:11 ";

for (const { name, message, is, arrival = {} } of [
  {
    name: "a host, a program with its pid, and one space before the text",
    message: `${AT}vm app[7]:  text`,
    is: { host: "vm", app: "app", procid: "7", msg: " text" },
  },
  { name: "no text behind the tag", message: `${AT}vm app:`, is: { host: "vm", app: "app", msg: "" } },
  { name: "no host, but a tag", message: `${AT}app[7]: text`, is: { host: "", app: "app", msg: "text" } },
  { name: "no tag at all", message: `${AT}vm just some text`, is: { host: "vm", app: "", msg: "just some text" } },
  { name: "a last word, which is the program", message: `${AT}vm app`, is: { host: "vm", app: "app", msg: "" } },
  { name: "an IPv6 address with its scope", message: `${AT}fe80::1%eth0 a: b`, is: { host: "fe80::1%eth0", app: "a" } },
  { name: "an IPv6 address", message: `${AT}2001:db8::7 a: b`, is: { host: "2001:db8::7", app: "a", msg: "b" } },
  { name: "a time of day in the text", message: `${AT}12:34:56 a: b`, is: { host: "", msg: "12:34:56 a: b" } },
  { name: "a URL", message: "<13>http://x/ y", is: { app: "", msg: "http://x/ y" } },
  { name: "a class's name as the tag", message: `${AT}vm Net::Server[3]: up`, is: { app: "Net::Server", msg: "up" } },
  { name: "a login shell as the tag", message: `${AT}vm -bash[3]: up`, is: { app: "-bash", procid: "3" } },
  { name: "an empty pid", message: `${AT}vm app[]: up`, is: { app: "app", procid: "", msg: "up" } },
  { name: "a pid that is `-`", message: `${AT}vm app[-]: up`, is: { app: "app", procid: "", msg: "up" } },
  { name: "a host that is `-`", message: `${AT}- app: up`, is: { host: "", app: "app", msg: "up" } },
  { name: "a bracket that is text", message: "<13>query[A] x from y", is: { app: "", msg: "query[A] x from y" } },
  { name: "JSON", message: '<13>{"a":1}', is: { app: "", msg: '{"a":1}' } },
  {
    name: "Cisco's ASA, a host with a colon apart",
    message: "<166>Nov 23 2026 12:00:00 asa : %ASA-6-302014: text",
    is: { time: "2026-11-23T12:00:00.000Z", host: "asa", app: "%ASA-6-302014", msg: "text" },
  },
  {
    name: "Cisco's ASA, a host with its colon",
    message: "<166>Nov 23 2026 12:00:00 asa: %ASA-6-302014: text",
    is: { host: "asa", app: "%ASA-6-302014", msg: "text" },
  },
  {
    name: "Cisco's IOS, a zone by name",
    message: "<189>29: *Nov 23 12:00:00.123 EST: %SYS-5-CONFIG_I: text",
    is: { time: "2026-11-23T17:00:00.123Z", zone: -300, host: "", app: "%SYS-5-CONFIG_I", msg: "text" },
  },
  {
    name: "Cisco's IOS, its own name behind the number",
    message: "<189>000045: router1: Nov 23 12:00:00.123: %SYS-5-CONFIG_I: text",
    is: { time: "2026-11-23T12:00:00.123Z", host: "router1", app: "%SYS-5-CONFIG_I", msg: "text" },
  },
  {
    name: "Cisco's IOS, its own name and a clock that was never set",
    message: "<189>45: 192.0.2.1: *Nov 23 12:00:00: %SYS-5-CONFIG_I: text",
    is: { time: "2026-11-23T12:00:00.000Z", host: "192.0.2.1", app: "%SYS-5-CONFIG_I", msg: "text" },
  },
  {
    name: "a number and a word that no time follows",
    message: "<189>45: router1: text",
    is: { time: "", host: "", app: "45", msg: "router1: text" },
  },
  {
    name: "Cisco's NX-OS, the year first",
    message: "<187>: 2026 Nov 23 12:00:00 UTC: %ETHPORT-3-IF_DOWN: text",
    is: { time: "2026-11-23T12:00:00.000Z", app: "%ETHPORT-3-IF_DOWN", msg: "text" },
  },
  {
    name: "the kernel, without a tag",
    message: "<6>[   12.345] usb 1-1: new",
    is: { msg: "[   12.345] usb 1-1: new" },
  },
  {
    name: "text that runs on from the time",
    message: "<13>Nov 23 06:34:11x y",
    is: { time: "", msg: "Nov 23 06:34:11x y" },
  },
  {
    name: "a message of version 1 that is none",
    message: "<13>1 apple a day",
    is: { form: "text", msg: "1 apple a day" },
  },
  { name: "a dash with a colon, which is no tag", message: "<13>-: x", is: { app: "", msg: "-: x" } },
  { name: "nothing but PRI", message: "<13>", is: { pri: 13, msg: "" } },
  { name: "nothing at all", message: "", is: { pri: 13, msg: "" } },
  // On the local socket.
  { name: "locally no host", message: `${AT}app: text`, is: { host: "", app: "app" }, arrival: LOCAL },
  {
    name: "locally the host's own name, which is no program",
    message: `${AT}own app: text`,
    is: { host: "own", app: "app", msg: "text" },
    arrival: LOCAL,
  },
  {
    name: "locally a first word, which is the program",
    message: `${AT}app some text`,
    is: { app: "app", msg: "some text" },
    arrival: LOCAL,
  },
  {
    name: "locally a first word that can't be a program",
    message: `${AT}-- MARK --`,
    is: { app: "", msg: "-- MARK --" },
    arrival: LOCAL,
  },
  // By the site's rules.
  {
    name: "a word that is never a host",
    message: `${AT}ctld snmpd[2]: text`,
    is: { host: "", app: "ctld", msg: "snmpd[2]: text" },
    arrival: { rules: { badHost: /^ctld/ } },
  },
  {
    name: "a host with odd letters, unless they are looked for",
    message: `${AT}a/b app: text`,
    is: { host: "a/b", app: "app" },
    arrival: { rules: { checkHost: false } },
  },
] as {
  readonly name: string;
  readonly message: string;
  readonly is: Partial<ReturnType<typeof saidBy>>;
  readonly arrival?: Arrival;
}[])
  test(`${name} is read as such`, () => expect(saidBy(recordOf(message, arrival))).toMatchObject(is));
