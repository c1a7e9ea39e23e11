import { describe, expect, test } from "bun:test";
import { linkTimeoutsOf, readCorosyncConf, ringTimesOf, writeCorosyncConf } from "../../lib/cluster/corosync-conf.ts";
import { parseNodes } from "../../lib/cluster/nodes.ts";
import { detectionMs, linkTimeoutMs, moleTimes, PROFILES, timesOf } from "../../lib/cluster/profile.ts";

describe("--nodes", () => {
  test("names hosts with an address for each network", () => {
    const nodes = parseNodes("a=10.0.0.1+10.1.0.1, b=10.0.0.2+10.1.0.2");
    expect(nodes.map(({ name, id, addresses }) => [name, id, addresses.length])).toEqual([
      ["a", 1, 2],
      ["b", 2, 2],
    ]);
  });

  for (const [text, why] of [
    ["a=10.0.0.1", "one host alone needs no ring"],
    ["a=10.0.0.1,a=10.0.0.2", 'two hosts are called "a"'],
    ["A=10.0.0.1,a=10.0.0.2", '"A" and "a" begin alike'],
    ["web.example.com=10.0.0.1,web.example.org=10.0.0.2", '"web.example.com" and "web.example.org" begin alike'],
    ["a=10.0.0.1,b=127.0.0.1", "127.0.0.1 is of this host alone"],
    ["a=10.0.0.1,b=0.0.0.0", "0.0.0.0 is no address of a host"],
    ["a=10.0.0.1,b=224.0.0.1", "224.0.0.1 is a multicast address"],
    ["a=fd00::1,b=::1", "::1 is of this host alone"],
    ["a=fd00::1,b=ff02::1", "ff02::1 is a multicast address"],
    ["a=10.0.0.1,b=10.0.0.1", '"a" and "b" have the address 10.0.0.1'],
    ["a=10.0.0.1,b", '"b" has no "="'],
    ["a=10.0.0.1,b_=10.0.0.2", '"b_" is no host name'],
    ["a=10.0.0.1,b=10.0.0", '"10.0.0" is no IP address'],
    ["a=10.0.0.1,b=::2", "all addresses are of one family"],
    ["a=10.0.0.1,b=10.0.0.2+10.1.0.2", '"a" has one address, "b" has 2 addresses'],
    [Array.from({ length: 33 }, (_, at) => `h${at}=10.0.0.${at + 1}`).join(), "33 hosts in one ring are too many"],
  ] as const)
    test(`refuses ${text.slice(0, 40)}`, () => expect(() => parseNodes(text)).toThrow(why));
});

describe("corosync.conf", () => {
  for (const profile of PROFILES)
    test(`of profile ${profile} reads as it was written`, () => {
      const nodes = parseNodes("a=10.0.0.1+fd00::1,b=10.0.0.2+fd00::2,c=10.0.0.3+fd00::3");
      const conf = readCorosyncConf(writeCorosyncConf({ cluster: "site", nodes, profile, mode: "available" }));
      expect(conf.errors).toEqual([]);
      expect(conf.nodes[1]).toEqual({ name: "b", id: 2, addresses: ["10.0.0.2", "fd00::2"] });
      expect(conf.totem["cluster_name"]).toBe("site");
      const { tokenMs, consensusMs } = timesOf(profile);
      expect(ringTimesOf(conf)).toEqual({ tokenMs, consensusMs });
      const timeoutMs = linkTimeoutMs({ tokenMs });
      expect(linkTimeoutsOf(conf)).toEqual([0, 1].map((link) => ({ link, timeoutMs })));
      expect(conf.totem["link_mode"]).toBe("active");
    });

  test("without times for its links has corosync's own: half of the token; udpu has no links", () => {
    const one = "nodelist {\n node {\n  ring0_addr: 10.0.0.1\n }\n}\n";
    const timeoutOf = (totem: string) => linkTimeoutsOf(readCorosyncConf(`totem {\n${totem}}\n${one}`));
    expect(timeoutOf("token: 300\n")).toEqual([{ link: 0, timeoutMs: 150 }]);
    expect(timeoutOf("token: 300\ninterface {\n knet_pong_count: 1\n linknumber: 0\n}\n")).toEqual([
      { link: 0, timeoutMs: 300 },
    ]);
    expect(timeoutOf("token: 300\ntransport: udpu\n")).toEqual([]);
  });

  test("without times has corosync's own", () => {
    const three = "nodelist {\n node {\n }\n node {\n }\n node {\n }\n}\n";
    expect(ringTimesOf(readCorosyncConf(three))).toEqual({ tokenMs: 3_650, consensusMs: 4_380 });
  });

  test("that is broken is told with its line", () => {
    expect(readCorosyncConf("totem {\nversion 2\n}\n}\nquorum {\n").errors).toEqual([
      'line 2: expected "setting: value", a section that begins or "}"',
      'line 4: "}" ends no section',
      'section "quorum" has no end',
    ]);
  });
});

test("a silence outlives a change of the ring that is agreed on twice, in safe two changes in a row; a lease outlives the silence", () => {
  for (const profile of PROFILES) {
    const detection = detectionMs(timesOf(profile));
    const available = moleTimes(timesOf(profile), "available");
    const safe = moleTimes(timesOf(profile), "safe");
    const { consensusMs } = timesOf(profile);
    for (const { silenceMs } of [available, safe])
      expect(silenceMs).toBeGreaterThanOrEqual(detection + consensusMs + 250);
    expect(safe.silenceMs).toBeGreaterThanOrEqual(2 * detection + 200);
    for (const { silenceMs, leaseMs } of [available, safe]) expect(leaseMs).toBeGreaterThanOrEqual(silenceMs + 500);
  }
  expect(moleTimes(timesOf("fast"), "available")).toEqual({ silenceMs: 600, leaseMs: 2_000 });
});
