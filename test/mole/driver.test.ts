// The driver against the real kernel, with somebody at the other end of the cable.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseNetwork, tryInterfaceAddress } from "../../lib/base/ip-address.ts";
import { ETHERTYPE_ARP, PacketReceiver } from "../../lib/linux/packet-socket.ts";
import { arpFrom } from "../../lib/linux/socket-filter.ts";
import type { Definition } from "../../lib/mole/definition.ts";
import type { Driver, DriverEvent } from "../../lib/mole/io/driver.ts";
import { openKernelDriver } from "../../lib/mole/io/kernel-driver.ts";
import { preflight } from "../../lib/mole/io/preflight.ts";
import { formatMac } from "../../lib/mole/mac.ts";
import { defineVip } from "../../lib/mole/placement.ts";
import { bootMs, threadCpuMs } from "../../lib/run/clock.ts";
import { hasNamespaces, Wire } from "../support/wire.ts";

const WAIT_MS = 20_000;
const LEASE_MS = 2_000;

const vip = (name: string, addresses: readonly string[], more: { device?: string; label?: string } = {}): Definition =>
  defineVip({
    name,
    addresses: addresses.map((text) => {
      const { address, prefixBits } = tryInterfaceAddress(text)!;
      return { address, prefixBits };
    }),
    ...more,
  });

const yes = () => true;
const later = () => bootMs() + 500;

let wire: Wire;
let driver: Driver;
let events: DriverEvent[];
let wake: () => void;
let closing: Disposable[];

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`waited for ${what}; events: ${JSON.stringify(events)}`);
    await Promise.race([new Promise<void>((resolve) => (wake = resolve)), Bun.sleep(20)]);
  }
}

/** Gratuitous ARP to all for 192.0.2.10, at the far end. */
function hearFar(): () => readonly string[] {
  const heard: string[] = [];
  const receiver = wire.inFar(
    () =>
      new PacketReceiver(ETHERTYPE_ARP, arpFrom([Uint8Array.of(192, 0, 2, 10)]), (_, bytes, start) => {
        const isToAll = bytes[start] === 0xff && bytes[start + 41] === 10;
        if (isToAll) heard.push(bytes[start + 21] === 1 ? "request" : "reply");
      }),
  );
  closing.push(receiver);
  return () => heard;
}

const event = <On extends DriverEvent["on"]>(on: On) =>
  events.find((one): one is Extract<DriverEvent, { on: On }> => one.on === on);

describe.if(hasNamespaces)("the driver", () => {
  beforeEach(() => {
    wire = new Wire();
    events = [];
    closing = [];
    wake = () => {};
    driver = openKernelDriver({
      notify: [parseNetwork("192.0.2.0/29")],
      notifyPerSecond: 1_000,
      onEvent: (one) => {
        events.push(one);
        wake();
      },
    });
  });

  afterEach(() => {
    for (const one of closing) one[Symbol.dispose]();
    driver[Symbol.dispose]();
    wire[Symbol.dispose]();
  });

  const web = vip("web", ["192.0.2.10", "2001:db8::10"]);

  test("an acquired vip is on as /32 and /128 with a lease, IPv6 is no source of the host's own connections, and release takes all off", () => {
    expect(driver.acquire(web, LEASE_MS, later(), yes)).toBe("acquired");
    const on = wire.addresses();
    expect(on).toMatch(/inet 192\.0\.2\.10\/32 scope global dynamic near0\\\s+valid_lft [12]sec/);
    expect(on).toMatch(
      /inet6 2001:db8::10\/128 scope global nodad deprecated dynamic noprefixroute \\\s+valid_lft [12]sec preferred_lft 0sec/,
    );
    expect(on).not.toContain("tentative");
    expect(driver.release(web.id)).toBe(true);
    expect(wire.addresses()).not.toMatch(/192\.0\.2\.10|2001:db8::10/);
    expect(wire.addresses()).toContain("192.0.2.1/24");
  });

  test("on another device than the label's an address bears that device's", () => {
    wire.near("ip link add second0 link near0 type macvlan");
    wire.near("ip link set second0 up");
    wire.near("ip address add 198.51.100.1/24 dev second0");
    const two = vip("web", ["192.0.2.10", "198.51.100.10"], { label: "near0:web" });
    expect(driver.acquire(two, LEASE_MS, later(), yes)).toBe("acquired");
    const shown = wire.near("ip -o address show");
    expect(shown).toMatch(/192\.0\.2\.10\/32 .* near0:web\b/);
    expect(shown).toMatch(/198\.51\.100\.10\/32 .* second0:web\b/);
  });

  test("a vip on two devices is put on each, goes from both, and can't be held where one of them is down", async () => {
    wire.near("ip link add near1 type veth peer name near2");
    for (const device of ["near1", "near2"]) wire.near(`ip link set ${device} up`);
    const at = (text: string, device: string) => ({ ...tryInterfaceAddress(text)!, device });
    const both = defineVip({ name: "both", addresses: [at("192.0.2.10", "near0"), at("198.51.100.10", "near1")] });
    driver.configure([both]);
    await until("both plugged", () => events.some((one) => one.on === "carrier" && one.up));
    expect(driver.acquire(both, LEASE_MS, later(), yes)).toBe("acquired");
    const on = (device: string) => wire.near(`ip -o -4 address show dev ${device}`);
    expect([on("near0"), on("near1")]).toEqual([
      expect.stringContaining(" 192.0.2.10/32 "),
      expect.stringContaining(" 198.51.100.10/32 "),
    ]);
    expect(driver.renew([both.id], 60_000, later())).toEqual([]);
    for (const device of ["near0", "near1"]) expect(on(device)).toMatch(/\.10\/32 .*\\ +valid_lft 60sec/);
    expect(driver.release(both.id)).toBe(true);
    expect(`${on("near0")}${on("near1")}`).not.toContain(".10/32");
    events.length = 0; // at first the other end was not seen yet
    wire.near("ip link set near1 down");
    await until("one unplugged", () => events.some((one) => one.on === "carrier" && !one.up));
    expect(driver.unplugged()).toEqual([{ vip: "both", why: "near1 is down" }]);
  });

  test("an IPv4 address bears its label", () => {
    const labelled = vip("web", ["192.0.2.10"], { device: "near0", label: "near0:web" });
    expect(driver.acquire(labelled, LEASE_MS, later(), yes)).toBe("acquired");
    expect(wire.addresses()).toContain("192.0.2.10/32 scope global dynamic near0:web");
  });

  test("no vip is the address of its subnet, or the one that means all hosts of it; two hosts alone on a wire may have both", async () => {
    wire.near("ip address add 198.51.100.0/31 dev near0");
    const last = vip("last", ["192.0.2.255"]);
    const pair = vip("pair", ["198.51.100.1"]);
    driver.configure([last, pair]);
    expect(driver.acquire(last, LEASE_MS, later(), yes)).toBe("failed");
    expect(driver.acquire(pair, LEASE_MS, later(), yes)).toBe("acquired");
    expect(driver.conflicts()).toEqual([
      expect.stringContaining("vip last can't be held here: 192.0.2.255 is the broad"),
    ]);
    await until("the reason", () => event("trouble") !== undefined);
    expect(event("trouble")!.text).toContain("cannot acquire vip last: 192.0.2.255 is the broadcast address");
  });

  test("what is held is no conflict", () => {
    driver.configure([web]);
    expect(driver.acquire(web, LEASE_MS, later(), yes)).toBe("acquired");
    expect(driver.conflicts()).toEqual([]);
  });

  test("what the machine no longer wants is dropped, and nothing is on", () => {
    let asked = 0;
    const no = () => {
      asked += 1;
      return false;
    };
    expect(driver.acquire(web, LEASE_MS, later(), no)).toBe("dropped");
    expect(asked).toBe(1);
    expect(driver.acquire(web, LEASE_MS, bootMs() - 1, yes)).toBe("dropped");
    expect(wire.addresses()).not.toContain("192.0.2.10");
  });

  test("an acquire that ends too late leaves nothing on", () => {
    const notAfterMs = bootMs() + 50;
    const slowly = () => {
      while (bootMs() <= notAfterMs);
      return true;
    };
    expect(driver.acquire(web, LEASE_MS, notAfterMs, slowly)).toBe("late");
    expect(wire.addresses()).not.toContain("192.0.2.10");
  });

  for (const there of ["192.0.2.10/24", "192.0.2.10/32"])
    test(`an address that stands on the host already as ${there} is not touched, and the vip is refused`, async () => {
      wire.near(`ip address add ${there} dev near0`);
      const before = wire.addresses();
      expect(driver.acquire(web, LEASE_MS, later(), yes)).toBe("failed");
      expect(wire.addresses()).toBe(before);
      driver.configure([vip("fine", ["192.0.2.11"]), web]);
      expect(driver.facts(web.id)!.failure!.why).toContain("is on near0 already, and not ours");
      expect(driver.conflicts()).toEqual([
        `vip web can't be held here: ${there} is on near0 already, and not ours: remove it there, or from the config`,
      ]);
      const [address, bits] = there.split("/");
      const standing = { address: address!, prefixBits: Number(bits), device: "near0" };
      expect(driver.standing()).toEqual([standing]);
      await until("the reason", () => event("trouble")?.text.includes("192.0.2.10") === true);
      expect(event("trouble")!.text).toContain("is on near0 already, and not ours");
      expect(driver.release(web.id)).toBe(true);
      expect(wire.addresses()).toBe(before);
    });

  test("what stands on the host by itself is told as it comes and goes; what is held is not", async () => {
    driver.configure([web]);
    expect(driver.acquire(web, LEASE_MS, later(), yes)).toBe("acquired");
    expect(driver.standing()).toEqual([]);
    wire.near("ip address add 192.0.2.10/24 dev near0");
    await until("its coming", () => event("standing") !== undefined);
    expect(driver.standing()).toEqual([{ address: "192.0.2.10", prefixBits: 24, device: "near0" }]);
    const told =
      "192.0.2.10/24 is on near0 as well, and not ours: once another host takes the vip, both answer for it; remove it there, or from the config";
    expect(driver.conflicts()).toEqual([`vip web: ${told}`]);
    expect(preflight([web])).toContainEqual({ level: "error", about: "vip web", text: told });
    expect(driver.facts(web.id)!.addresses[0]).toMatchObject({ isPresent: true, isOurs: true });
    events.length = 0;
    wire.near("ip address del 192.0.2.10/24 dev near0");
    await until("its going", () => event("standing") !== undefined);
    expect(driver.standing()).toEqual([]);
    expect(driver.conflicts()).toEqual([]);
  });

  test("of a vip whose addresses can't all be put on, none is", () => {
    wire.near("ip link add quiet0 type veth peer name quiet1");
    wire.near("sysctl -qw net.ipv6.conf.quiet0.disable_ipv6=1");
    const split = defineVip({
      name: "web",
      addresses: [
        { ...tryInterfaceAddress("192.0.2.10")!, device: "near0" },
        { ...tryInterfaceAddress("2001:db8:1::10")!, device: "quiet0" },
      ],
    });
    expect(driver.acquire(split, LEASE_MS, later(), yes)).toBe("failed");
    expect(wire.addresses()).not.toContain("192.0.2.10");
  });

  test("a lease that ends a little early was taken by nobody", async () => {
    const one = vip("one", ["192.0.2.10"]);
    driver.configure([one]);
    driver.acquire(one, 1_000, later(), yes);
    const endMs = bootMs() + 1_000;
    while (bootMs() < endMs - 38);
    // As the kernel does, which can't be had on order; it may have been first.
    Bun.spawnSync(["ip", "address", "del", "192.0.2.10/32", "dev", "near0"]);
    await until("the end", () => bootMs() > endMs + 100 && !wire.addresses().includes("192.0.2.10/"));
    expect(event("taken-away")).toBeUndefined();
  });

  test("a lease that nobody renews ends by itself, and one that is renewed does not", async () => {
    const other = vip("other", ["192.0.2.11"]);
    for (const one of [web, other]) driver.acquire(one, LEASE_MS, later(), yes);
    await until("the lease's end", () => {
      expect(driver.renew([other.id], LEASE_MS, later())).toEqual([]);
      return !wire.addresses().includes("192.0.2.10/");
    });
    expect(wire.addresses()).toContain("192.0.2.11/32");
    expect(event("taken-away")).toBeUndefined();
  });

  test("renewals of very many addresses take no more than their share of a processor", async () => {
    const vips = Array.from({ length: 200 }, (_, at) => vip(`many${at}`, [`2001:db8::${(at + 256).toString(16)}`]));
    driver.configure(vips);
    for (const one of vips) expect(driver.acquire(one, LEASE_MS, later(), yes)).toBe("acquired");
    const ids = vips.map(({ id }) => id);
    const costMs = (leaseMs: number) => {
      const beforeMs = threadCpuMs();
      expect(driver.renew(ids, leaseMs, later())).toEqual([]);
      return threadCpuMs() - beforeMs;
    };
    const oneMs = Math.min(...[3_000, LEASE_MS, 3_000, LEASE_MS].map(costMs)); // another lease is always written
    const beganMs = bootMs();
    let writes = 0;
    while (bootMs() - beganMs < 3_000) {
      await Bun.sleep(100);
      if (costMs(LEASE_MS) > oneMs / 4) writes += 1;
    }
    expect(writes).toBeGreaterThan(1);
    expect(writes).toBeLessThan(12); // 15 or more, where each second call writes
  });

  test("a renewal that comes too late takes the addresses off", () => {
    driver.acquire(web, LEASE_MS, later(), yes);
    expect(driver.renew([web.id], LEASE_MS, bootMs() - 1)).toEqual([web.id]);
    expect(wire.addresses()).not.toContain("192.0.2.10");
  });

  test("what can't be renewed any more is told once, and is a failure when its lease has ended", async () => {
    wire.near("ip link add doomed0 type veth peer name doomed1");
    wire.near("ip link set doomed1 up");
    wire.near("ip link set doomed0 up");
    const doomed = vip("doomed", ["198.51.100.7"], { device: "doomed0" });
    expect(driver.acquire(doomed, 1_000, later(), yes)).toBe("acquired");
    wire.near("ip link del doomed0");
    await until("the failure", () => {
      driver.renew([doomed.id], 1_000, later());
      return event("driven") !== undefined;
    });
    expect(event("driven")).toMatchObject({ vip: doomed.id, did: "failed" });
    expect(events.filter(({ on }) => on === "trouble")).toHaveLength(1);
    expect(driver.release(doomed.id)).toBe(true);
  });

  test("a lease is lifted for maintenance, and put on again after it", () => {
    driver.acquire(web, LEASE_MS, later(), yes);
    expect(driver.renew([web.id], undefined, Number.POSITIVE_INFINITY)).toEqual([]);
    expect(wire.addresses()).toMatch(/192\.0\.2\.10\/32 scope global near0\\\s+valid_lft forever/);
    driver.renew([web.id], LEASE_MS, later());
    expect(wire.addresses()).toMatch(/192\.0\.2\.10\/32 scope global dynamic near0\\\s+valid_lft [12]sec/);
  });

  describe("the route of an IPv6 vip's subnet", () => {
    const wide = vip("wide", ["2001:db8::10/64"]);
    const other = vip("other", ["2001:db8:7::10/64"], { device: "near0" });
    const routes = (subnet: string) => wire.near(`ip -6 route show ${subnet} dev near0`).trim();

    test("stays the host's own, whatever becomes of the vip", async () => {
      const before = routes("2001:db8::/64");
      expect(before).not.toContain("expires");
      expect(driver.acquire(wide, LEASE_MS, later(), yes)).toBe("acquired");
      driver.renew([wide.id], undefined, Number.POSITIVE_INFINITY);
      expect(routes("2001:db8::/64")).toBe(before);
      driver.renew([wide.id], 1_000, later());
      expect(routes("2001:db8::/64")).toBe(before);
      driver.release(wide.id);
      expect(routes("2001:db8::/64")).toBe(before);
      expect(driver.acquire(wide, 1_000, later(), yes)).toBe("acquired");
      await until("the lease's end", () => !wire.addresses().includes("2001:db8::10/"));
      expect(routes("2001:db8::/64")).toBe(before);
      expect(wire.near("ping -q -c 1 -W 5 2001:db8::2")).toContain("1 received");
    });

    test("comes with the vip, where the host has no address in it, and is the host's once it has one", async () => {
      expect(driver.acquire(other, LEASE_MS, later(), yes)).toBe("acquired");
      expect(routes("2001:db8:7::/64")).toContain("expires");
      driver.renew([other.id], undefined, Number.POSITIVE_INFINITY);
      expect(routes("2001:db8:7::/64")).not.toContain("expires");
      driver.configure([other]);
      wire.near("ip address add 2001:db8:7::1/64 dev near0 nodad");
      wire.near("ip address add 2001:db8:7::11/128 dev near0 nodad"); // heard behind it
      driver.configure([other, vip("seen", ["2001:db8:7::11"], { device: "near0" })]);
      await until("the host's address", () => event("standing") !== undefined);
      driver.renew([other.id], LEASE_MS, later());
      driver.release(other.id);
      expect(routes("2001:db8:7::/64")).toContain("2001:db8:7::/64");
      expect(routes("2001:db8:7::/64")).not.toContain("expires");
    });

    test("is there as long as the vip, where the host gives up its address", () => {
      expect(driver.acquire(wide, LEASE_MS, later(), yes)).toBe("acquired");
      wire.near("ip address del 2001:db8::1/64 dev near0");
      driver.acquire(other, LEASE_MS, 0, yes); // too late for it, but it hears of that
      driver.renew([wide.id], 3_000, later());
      expect(routes("2001:db8::/64")).toContain("2001:db8::/64");
    });
  });

  test("an address that somebody removes is put back and announced; the third time in a minute is a failure", async () => {
    driver.acquire(web, 60_000, bootMs() + 60_000, yes);
    const heard = hearFar();
    for (const nth of [1, 2, 3]) {
      wire.near("ip address del 192.0.2.10/32 dev near0");
      await until(`removal ${nth}`, () => events.filter(({ on }) => on === "taken-away").length === nth);
      expect(wire.addresses()).toContain("192.0.2.10/32");
      expect(event("driven") === undefined).toBe(nth < 3);
    }
    expect(event("driven")).toMatchObject({ vip: web.id, did: "failed" });
    await until("an announcement", () => heard().length > 0);
    expect(driver.facts(web.id)!.takenAway).toBe(3);
  });

  test("what an earlier life left is removed at the start, and nothing else", () => {
    wire.near("ip address add 192.0.2.77/32 dev near0");
    const before = wire.addresses();
    const earlier = openKernelDriver({ notify: [], notifyPerSecond: 1, onEvent: () => {} });
    earlier.acquire(web, 60_000, bootMs() + 500, yes);
    earlier.acquire(vip("gone", ["192.0.2.12"]), 60_000, bootMs() + 500, yes);
    earlier[Symbol.dispose]();
    expect(driver.found([web], false)).toEqual([]);
    expect(wire.addresses()).toBe(before);
  });

  test("under maintenance what an earlier life left is adopted, without a lease, and can be released", () => {
    const earlier = openKernelDriver({ notify: [], notifyPerSecond: 1, onEvent: () => {} });
    earlier.acquire(web, 60_000, bootMs() + 500, yes);
    earlier[Symbol.dispose]();
    expect(driver.found([vip("other", ["192.0.2.11"]), web], true)).toEqual([web]);
    expect(wire.addresses()).toMatch(/192\.0\.2\.10\/32 scope global near0\\\s+valid_lft forever/);
    expect(driver.facts(web.id)!.isHeld).toBe(true);
    driver.release(web.id);
    expect(wire.addresses()).not.toContain("192.0.2.10");
  });

  test("the carrier is told at first, when the cable goes, and when it is back", async () => {
    driver.configure([web, vip("lost", ["203.0.113.7"])]);
    const told = (name: string) =>
      events
        .filter((one) => one.on === "carrier")
        .filter((one) => one.vip === name)
        .map(({ up }) => up);
    await until("the first word", () => told("web").length > 0 && told("lost").length > 0);
    expect([told("web"), told("lost")]).toEqual([[true], [false]]);
    wire.far("ip link set far0 down");
    await until("down", () => told("web").length === 2);
    wire.far("ip link set far0 up");
    await until("up", () => told("web").length === 3);
    expect(told("web")).toEqual([true, false, true]);
  });

  test("a subnet that comes later is found", async () => {
    const late = vip("late", ["198.51.100.7"]);
    driver.configure([late]);
    await until("no carrier", () => event("carrier")?.up === false);
    expect(driver.acquire(late, LEASE_MS, later(), yes)).toBe("failed");
    wire.near("ip address add 198.51.100.1/24 dev near0");
    await until("a carrier", () => events.some((one) => one.on === "carrier" && one.up));
    expect(driver.acquire(late, LEASE_MS, later(), yes)).toBe("acquired");
  });

  test("a vip with a prefix needs promote_secondaries", async () => {
    const wide = vip("wide", ["192.0.2.10/24"]);
    wire.near("sysctl -qw net.ipv4.conf.all.promote_secondaries=0 net.ipv4.conf.near0.promote_secondaries=0");
    expect(driver.acquire(wide, LEASE_MS, later(), yes)).toBe("failed");
    await until(
      "the reason",
      () => event("trouble")?.text.includes("net.ipv4.conf.near0.promote_secondaries=1") === true,
    );
    wire.near("sysctl -qw net.ipv4.conf.near0.promote_secondaries=1");
    expect(driver.acquire(wide, LEASE_MS, later(), yes)).toBe("acquired");
    expect(wire.addresses()).toContain("192.0.2.10/24");
  });

  for (const { family, address, bits } of [
    { family: "ARP", address: "192.0.2.10", bits: 32 },
    { family: "ND", address: "2001:db8::10", bits: 128 },
  ])
    test(`a probe by ${family} finds who has the address, and nobody where nobody has it`, async () => {
      const one = vip("one", [address]);
      driver.configure([one]);
      expect(await driver.probe(one)).toBe(false);
      wire.far(`ip address add ${address}/${bits} dev far0 ${bits === 128 ? "nodad" : "scope global"}`);
      expect(await driver.probe(one)).toBe(true);
    });

  test("all who have an address are found, each once, but not this host itself", async () => {
    const one = vip("one", ["192.0.2.10", "192.0.2.11", "2001:db8::10"]);
    driver.configure([one]);
    expect(await driver.claimants(one)).toEqual([]);
    wire.far("ip link add second0 link far0 address 02:00:00:00:00:03 type macvlan mode bridge");
    wire.far("ip link set second0 up");
    for (const device of ["far0", "second0"]) wire.far(`sysctl -qw net.ipv4.conf.${device}.arp_ignore=1`);
    for (const device of ["far0", "second0"]) wire.far(`ip address add 192.0.2.10/32 dev ${device}`);
    wire.far("ip address add 2001:db8::10/128 dev far0 nodad");
    const found = async () => (await driver.claimants(one)).map(({ address, mac }) => `${address} ${mac}`).sort();
    const second = ["192.0.2.10 02:00:00:00:00:03"];
    const first = ["192.0.2.10 02:00:00:00:00:02", "2001:db8::10 02:00:00:00:00:02"];
    expect(await found()).toEqual([...first, ...second].sort());
    wire.far("ip address del 192.0.2.10/32 dev second0");
    expect(driver.acquire(one, 60_000, later(), yes)).toBe("acquired");
    expect(await found()).toEqual(first);
  });

  test("a process that is held up while it probes hears the answer all the same", async () => {
    const one = vip("one", ["192.0.2.10"]);
    driver.configure([one]);
    wire.far("ip address add 192.0.2.10/32 dev far0");
    const probed = driver.probe(one);
    for (const endMs = bootMs() + 400; bootMs() < endMs; );
    expect(await probed).toBe(true);
  });

  test("a client believes the announcement at once, though it has just confirmed another", async () => {
    const client = vip("client", ["192.0.2.10", "2001:db8::10"]);
    driver.configure([client]);
    wire.far("ip neigh replace 192.0.2.10 lladdr 02:00:00:00:00:99 dev far0 nud reachable");
    wire.far("ip neigh replace 2001:db8::10 lladdr 02:00:00:00:00:99 dev far0 nud reachable");
    driver.acquire(client, LEASE_MS, later(), yes);
    driver.announce(client.id);
    await until("the client's table", () => {
      const table = wire.far("ip neigh show dev far0");
      return (
        /192\.0\.2\.10 lladdr 02:00:00:00:00:01/.test(table) && /2001:db8::10 lladdr 02:00:00:00:00:01/.test(table)
      );
    });
  });

  test("somebody else's claim to a held address is told, our own announcement is not", async () => {
    driver.configure([web]);
    driver.acquire(web, 60_000, bootMs() + 500, yes);
    driver.announce(web.id);
    wire.far("ip address add 192.0.2.10/32 dev far0");
    wire.far("arping -q -c 1 -U -I far0 192.0.2.10").trim();
    await until("the claim", () => event("foreign") !== undefined);
    expect(event("foreign")).toEqual({
      on: "foreign",
      vip: "web",
      address: "192.0.2.10",
      device: "near0",
      mac: "02:00:00:00:00:02",
      by: "arp",
    });
  });

  for (const { family, address, far, by } of [
    { family: "ARP", address: "192.0.2.10", far: "192.0.2.10/32 dev far0", by: "arp" },
    { family: "ND", address: "2001:db8::10", far: "2001:db8::10/128 dev far0 nodad", by: "nd" },
  ] as const)
    test(`somebody who silently has a held address is found by ${family} soon after the taking, and nobody waits for that`, async () => {
      driver.configure([web]);
      wire.far(`ip address add ${far}`);
      driver.acquire(web, 60_000, later(), yes);
      driver.announce(web.id);
      await until("the claim", () => event("foreign") !== undefined);
      expect(event("foreign")).toMatchObject({ vip: "web", address, mac: "02:00:00:00:00:02", by });
      expect(driver.facts(web.id)?.isHeld).toBe(true);
    });

  describe("whether the former holder lives", () => {
    const confirmed = async () => {
      await until("the answer", () => event("confirmed") !== undefined);
      return event("confirmed")!;
    };

    test("is asked for what was taken: it does, and the vip is held still", async () => {
      driver.configure([web]);
      wire.far("ip address add 192.0.2.10/32 dev far0");
      driver.acquire(web, 60_000, later(), yes);
      driver.confirm(web.id, 10);
      expect(await confirmed()).toMatchObject({
        vip: web.id,
        isAnswered: true,
        why: "02:00:00:00:00:02 answers for 192.0.2.10 2001:db8::10",
      });
      expect(driver.facts(web.id)!.isHeld).toBe(true);
    });

    test("it does not: nobody answers", async () => {
      driver.configure([web]);
      driver.acquire(web, 60_000, later(), yes);
      driver.confirm(web.id, 10);
      expect(await confirmed()).toMatchObject({ vip: web.id, isAnswered: false, why: "" });
    });

    test("is not asked any more, once it is let go or need not be known", async () => {
      const other = vip("other", ["192.0.2.11"]);
      const third = vip("third", ["192.0.2.12"]);
      const vips = [web, other, third];
      driver.configure(vips);
      for (const one of vips) driver.acquire(one, 60_000, later(), yes);
      for (const [at, { id }] of vips.entries()) driver.confirm(id, 10 + at);
      driver.release(web.id);
      driver.confirm(other.id, undefined);
      expect(await confirmed()).toMatchObject({ vip: third.id });
      expect(events.filter(({ on }) => on === "confirmed")).toHaveLength(1);
    });
  });

  test("a holder whose address somebody else claimed announces it again, once that one is quiet", async () => {
    driver.configure([web]);
    driver.acquire(web, 60_000, later(), yes);
    const heard = hearFar();
    // As the one who takes it does, and lets it go.
    wire.far("ip address add 192.0.2.10/32 dev far0");
    wire.far("arping -q -c 1 -U -I far0 192.0.2.10").trim();
    wire.far("ip address del 192.0.2.10/32 dev far0");
    await until("the claim", () => event("foreign") !== undefined);
    await until("an announcement", () => heard().includes("reply"));
  });

  test("whom the config or another host names is told in person, by its MAC where that is known", async () => {
    const client = vip("client", ["192.0.2.10"]);
    driver.configure([client]);
    driver.pool([
      { address: "192.0.2.2", mac: "02:00:00:00:00:02" },
      { address: "203.0.113.9", mac: "02:00:00:00:00:03" }, // not on this wire
    ]);
    const frames: string[] = [];
    closing.push(
      wire.inFar(
        () =>
          new PacketReceiver(ETHERTYPE_ARP, arpFrom([Uint8Array.of(192, 0, 2, 10)]), (_, bytes, start) =>
            frames.push(
              `${formatMac(bytes.slice(start, start + 6))} asks for ${bytes.slice(start + 38, start + 42).join(".")}`,
            ),
          ),
      ),
    );
    driver.acquire(client, LEASE_MS, later(), yes);
    driver.announce(client.id);
    const wanted = [1, 3, 4, 5, 6].map((last) => `ff:ff:ff:ff:ff:ff asks for 192.0.2.${last}`);
    const person = "02:00:00:00:00:02 asks for 192.0.2.10";
    await until("every address", () => [...wanted, person].every((frame) => frames.includes(frame)));
    expect(frames.filter((frame) => frame.includes("203.0.113"))).toEqual([]);
    expect(frames).not.toContain("ff:ff:ff:ff:ff:ff asks for 192.0.2.2"); // told by its MAC
  });

  for (const { perSecond, leastMs } of [
    { perSecond: 100, leastMs: 280 },
    { perSecond: 20, leastMs: 1_400 },
  ])
    test(`networks are told at ${perSecond} packets a second at most`, async () => {
      using slow = openKernelDriver({
        notify: [parseNetwork("192.0.2.32/27")],
        notifyPerSecond: perSecond,
        onEvent: () => {},
      });
      const atMs: number[] = [];
      closing.push(
        wire.inFar(
          () =>
            new PacketReceiver(ETHERTYPE_ARP, arpFrom([Uint8Array.of(192, 0, 2, 10)]), (_, bytes, start) => {
              if (bytes[start + 41] !== 10) atMs.push(performance.now()); // our own questions, not what all are told
            }),
        ),
      );
      const client = vip("client", ["192.0.2.10"]);
      slow.acquire(client, 60_000, later(), yes);
      slow.announce(client.id);
      await until("all of a network", () => atMs.length >= 30);
      expect(atMs[29]! - atMs[0]!).toBeGreaterThan(leastMs);
      slow.release(client.id);
    });

  test("neighbours that this host has spoken with are told to other members", async () => {
    driver.configure([web]);
    wire.near("ping -q -c 1 -W 5 192.0.2.2");
    expect(driver.neighbours()).toContainEqual({ address: "192.0.2.2", mac: "02:00:00:00:00:02" });
  });

  test("an announcement is repeated, and ends with the release", async () => {
    driver.acquire(web, 60_000, bootMs() + 500, yes);
    const heard = hearFar();
    const beganMs = performance.now();
    driver.announce(web.id);
    await until("the second round", () => heard().filter((form) => form === "request").length >= 2);
    expect(heard().slice(0, 2)).toEqual(["request", "reply"]);
    expect(performance.now() - beganMs).toBeGreaterThan(1_000); // locktime: an earlier one would be in vain
    driver.release(web.id);
    const before = heard().length;
    await Bun.sleep(1_600); // the third would come now
    expect(heard()).toHaveLength(before);
  });

  test("a process that was stopped until its lease had ended claims nothing when it goes on, though its timers are due", async () => {
    driver.acquire(web, LEASE_MS, bootMs() + 500, yes);
    const heard = hearFar();
    driver.announce(web.id);
    await until("the first round", () => heard().length >= 2);
    const before = heard().length;
    Bun.sleepSync(LEASE_MS + 200); // the second is due meanwhile
    await Bun.sleep(300);
    expect(heard()).toHaveLength(before);
  });

  test("preflight finds what a start would stumble over, and touches nothing", () => {
    wire.near("sysctl -qw net.ipv4.conf.all.promote_secondaries=0 net.ipv4.conf.near0.promote_secondaries=0");
    wire.near("ip address add 192.0.2.13/32 dev near0");
    wire.near("ip link add quiet0 type veth peer name quiet1");
    wire.near("sysctl -qw net.ipv6.conf.quiet0.disable_ipv6=1");
    const before = wire.addresses();
    const findings = preflight([
      web,
      vip("wide", ["192.0.2.11/24"]),
      vip("lost", ["203.0.113.7"]),
      vip("taken", ["192.0.2.13"]),
      vip("typo", ["192.0.2.14"], { device: "eht0" }),
      vip("first", ["192.0.2.0"]),
      vip("last", ["192.0.2.255"]),
      vip("off", ["2001:db8:5::10"]),
    ]);
    const about = (what: string) =>
      findings.filter((one) => one.about === what).map(({ level, text }) => `${level}: ${text}`);
    expect(about("vip web")).toEqual(["fine: 192.0.2.10 on near0, 2001:db8::10 on near0"]);
    expect(about("vip wide")[0]).toStartWith("error: 192.0.2.11/24 needs net.ipv4.conf.near0.promote_secondaries=1");
    expect(about("vip lost")).toEqual([
      "error: no device has the subnet of 203.0.113.7: name the device in the config",
    ]);
    expect(about("vip taken")[0]).toStartWith("error: 192.0.2.13/32 is on near0 already, and not ours");
    expect(about("vip first")).toEqual([
      "error: 192.0.2.0 is the address of the subnet itself, 192.0.2.0/24 on near0: give the vip another one",
    ]);
    expect(about("vip last")).toEqual([
      "error: 192.0.2.255 is the broadcast address of the subnet, 192.0.2.0/24 on near0: give the vip another one",
    ]);
    expect(about("vip off")).toEqual([
      "error: no device has the subnet of 2001:db8:5::10, and IPv6 is off on quiet0: set net.ipv6.conf.quiet0.disable_ipv6=0 where it belongs, or name a device that has it in the config",
    ]);
    expect(about("vip typo")).toEqual(["error: there is no device eht0 for 192.0.2.14"]);
    expect([about("rights"), about("guard"), about("kernel")].flat().every((line) => line.startsWith("fine"))).toBe(
      true,
    );
    expect(wire.addresses()).toBe(before);
  });

  test("what the kernel and the wire say of a vip is told as it is", async () => {
    driver.configure([web]);
    expect(driver.facts(web.id)).toMatchObject({
      isHeld: false,
      addresses: [{ isPresent: false }, { isPresent: false }],
    });
    driver.acquire(web, LEASE_MS, later(), yes);
    const facts = driver.facts(web.id)!;
    expect(facts).toMatchObject({ vip: "web", isHeld: true, takenAway: 0, failure: undefined });
    expect(facts.addresses[0]).toMatchObject({ device: "near0", hasCarrier: true, isPresent: true, isOurs: true });
    expect(facts.addresses[0]!.leaseLeftMs).toBeLessThanOrEqual(LEASE_MS);
    expect(driver.facts("nobody")).toBeUndefined();
  });
});
