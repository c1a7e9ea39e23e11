import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { formatPlace, parsePlace } from "../../lib/syslogd/listener.ts";
import { sourceSettingsOf } from "../../lib/syslogd/source-table.ts";
import { syslogdTable } from "../../lib/syslogd/table.ts";

const read = (given: object) => v.parse(syslogdTable.schema, given);
const complaints = (given: object) =>
  syslogdTable.check!(read(given)).map(({ path, code }) => `${path.join(".")} ${code}`);
const TLS = { on: "tls:[::]:6514", certificate: "/c", key: "/k" };

describe("places", () => {
  for (const text of [
    "udp:0.0.0.0:514",
    "tcp:[::]:601",
    "tls:192.0.2.7:6514",
    "unix:/chroot/dev/log",
    "unix:@log",
    "stream:/run/log",
    "fifo:/run/f",
  ])
    test(`${text} is written as it was read`, () => expect(formatPlace(parsePlace(text))).toBe(text));

  for (const { text, is } of [
    { text: "udp:192.0.2.7", is: "udp:192.0.2.7:514" },
    { text: "tcp:*", is: "tcp:[::]:601" },
    { text: "tls:192.0.2.7", is: "tls:192.0.2.7:6514" },
  ])
    test(`${text} is ${is}`, () => expect(formatPlace(parsePlace(text))).toBe(is));

  for (const { text, why } of [
    { text: "tpc:0.0.0.0:601", why: 'did you mean "tcp:0.0.0.0:601"?' },
    { text: "/dev/log", why: 'did you mean "unix:/dev/log"?' },
    { text: "stream:@name", why: "unknown place" },
    { text: "tcp:web1", why: "expected an address and a port" },
    { text: "tcp:0.0.0.0:66000", why: "expected an address and a port" },
    { text: "", why: "unknown place" },
  ])
    test(`${JSON.stringify(text)} is none: ${why}`, () => expect(() => parsePlace(text)).toThrow(why));
});

describe("what has the right shape and no sense is told:", () => {
  for (const { what, given, told } of [
    { what: "TLS without a key", given: { listen: [{ on: "tls:*", certificate: "/c" }] }, told: ["listen.0 missing"] },
    {
      what: "names that nobody vouches for",
      given: { listen: [{ ...TLS, peers: ["a.b"] }] },
      told: ["listen.0.peers unproven"],
    },
    { what: "a key without TLS", given: { listen: [{ on: "tcp:*", key: "/k" }] }, told: ["listen.0.key no-use"] },
    {
      what: "peers without TLS",
      given: { listen: [{ on: "tcp:*", peers: ["a.b"] }] },
      told: ["listen.0.peers no-use"],
    },
    {
      what: "networks of a unix socket",
      given: { listen: [{ on: "unix:/l", allow: ["10.0.0.0/8"] }] },
      told: ["listen.0.allow no-use"],
    },
    {
      what: "the framing of datagrams",
      given: { listen: [{ on: "udp:*", framing: "line" }] },
      told: ["listen.0.framing no-use"],
    },
    {
      what: "a place twice",
      given: { tcp: ["0.0.0.0:601"], listen: [{ on: "tcp:0.0.0.0" }] },
      told: ["listen.0.on twice"],
    },
    {
      what: "a UDP address twice",
      given: { udp: ["0.0.0.0:514"], listen: [{ on: "udp:0.0.0.0" }] },
      told: ["listen.0.on twice"],
    },
    {
      what: "a unix socket twice",
      given: { socket: ["/l"], listen: [{ on: "unix:/l" }] },
      told: ["listen.0.on twice"],
    },
    {
      what: "nothing, where all is well",
      given: { tcp: ["*:601"], listen: [{ ...TLS, peers: [`sha-1:${"0".repeat(40)}`] }] },
      told: [],
    },
  ])
    test(what, () => expect(complaints(given)).toEqual(told));
});

test("a listener has the networks and the zone of the table, unless it has its own", () => {
  const table = read({
    allow: ["192.0.2.0/24"],
    tcp: ["0.0.0.0:601"],
    listen: [{ on: "tcp:*", allow: [], zone: "+09:00" }, { on: "tcp:0.0.0.0:514" }, { on: "fifo:/f" }],
  });
  const { listeners } = sourceSettingsOf(table);
  expect(listeners.map(({ allow, zone }) => [allow.length, zone?.(0)])).toEqual([
    [1, undefined],
    [0, 540],
    [1, undefined],
    [0, undefined],
  ]);
});

test("without a word about it, sources are what every syslogd has", () => {
  expect(sourceSettingsOf(read({}))).toMatchObject({
    listeners: [],
    allow: [],
    stdin: "no",
    messageBytesMax: 65_536,
    markEveryMs: 0,
  });
  expect(sourceSettingsOf(read({})).timeOffMaxUs).toBe(Number.POSITIVE_INFINITY);
  expect(sourceSettingsOf(read({ time_off: "1h", mark: "20m", message: "8KiB" }))).toMatchObject({
    timeOffMaxUs: 3_600e6,
    markEveryMs: 1_200_000,
    messageBytesMax: 8_192,
  });
});
