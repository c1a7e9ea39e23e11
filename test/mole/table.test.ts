import { describe, expect, test } from "bun:test";
import { formatNetwork } from "../../lib/base/ip-address.ts";
import { starterText, uncommented } from "../../lib/config/starter.ts";
import { defineVip } from "../../lib/mole/placement.ts";
import { moleTable } from "../../lib/mole/table.ts";
import { load, mistakesIn } from "./config.ts";

/** A vip with a name and an address, and more lines. */
const vip = (name: string, addresses: string, more = "") =>
  `[[mole.vip]]\nname = "${name}"\naddresses = [${addresses}]\n${more}`;

test("a vip is read with its defaults", () => {
  const { vip: vips } = load(
    vip("web", '"192.0.2.10", "2001:db8::10/64"', 'device = "eth0"\nlabel = "eth0:web"\nprefer = ["a"]\n'),
  );
  expect(vips.map((one) => ({ ...one, addresses: one.addresses.map(formatNetwork) }))).toEqual([
    {
      name: "web",
      addresses: ["192.0.2.10", "2001:db8::10/64"],
      device: "eth0",
      label: "eth0:web",
      prefer: ["a"],
      weight: 1,
    },
  ]);
});

test("an address may name its device", () => {
  const { vip: vips } = load(vip("web", '"192.0.2.10", "2001:db8::10/64 dev eth1"', 'device = "eth0"\n'));
  expect(vips[0]!.addresses.map((one) => [formatNetwork(one), one.device])).toEqual([
    ["192.0.2.10", undefined],
    ["2001:db8::10/64", "eth1"],
  ]);
  expect(defineVip(vips[0]!).placement).toBe("eth0+eth1/64");
});

test("without a table there is no vip", () => expect(load("").vip).toEqual([]));

test("the starter's vip is right", () => {
  expect(mistakesIn(uncommented(starterText([moleTable])))).toEqual([]);
  expect(load(uncommented(moleTable.starter.replace(/^/, "[mole]\n"))).vip).toHaveLength(1);
});

describe("what could not work is refused", () => {
  for (const { name, text, told } of [
    {
      name: "two vips with one address",
      text: vip("web", '"192.0.2.10"') + vip("mail", '"192.0.2.9", "192.0.2.10/24"'),
      told: [
        'f:6:27: mole.vip[1].addresses[1]: 192.0.2.10 belongs to vip "web" (mole.vip[0]) already: an address can be in one vip, once',
      ],
    },
    {
      name: "a process by its path: none has such a name, and the vip would be ill everywhere",
      text: `${vip("web", '"192.0.2.10"')}[[mole.health]]\nname = "p"\nprocess = "/usr/sbin/nginx"\n`,
      told: [
        'f:6:11: mole.health[0].process: is "/usr/sbin/nginx"; expected the name alone, as ps -o comm shows it: "nginx"',
      ],
    },
    {
      name: "two vips with one IPv6 address, written in two ways",
      text: vip("web", '"2001:db8::1"') + vip("mail", '"2001:DB8:0::0:1"'),
      told: [
        'f:6:14: mole.vip[1].addresses[0]: 2001:db8::1 belongs to vip "web" (mole.vip[0]) already: an address can be in one vip, once',
      ],
    },
    {
      name: "one vip with an address twice",
      text: vip("web", '"192.0.2.1", "192.0.2.1"'),
      told: [
        "f:3:27: mole.vip[0].addresses[1]: 192.0.2.1 belongs to this vip already: an address can be in one vip, once",
      ],
    },
    {
      name: "two vips with one name",
      text: vip("web", '"192.0.2.1"') + vip("web", '"192.0.2.2"'),
      told: ['f:5:8: mole.vip[1].name: "web" is the name of mole.vip[0] too: every vip needs one of its own'],
    },
    {
      name: "a preference that only rules out",
      text: vip("web", '"192.0.2.1"', 'prefer = ["a", "c"]\nonly = ["a", "b"]'),
      told: ['f:4:16: mole.vip[0].prefer[1]: prefers "c", which "only" leaves out: add it there, or remove it here'],
    },
    {
      name: "a vip that no host may hold",
      text: vip("web", '"192.0.2.1"', "only = []"),
      told: ["f:4:8: mole.vip[0].only: no host may hold it: name one, or leave the key out for all"],
    },
    {
      name: "a label of another device",
      text: vip("web", '"192.0.2.1"', 'device = "eth0"\nlabel = "eth1:web"'),
      told: ['f:5:9: mole.vip[0].label: found "eth1:web", expected the device first: "eth0:WORD"'],
    },
    {
      name: "times that are meant otherwise",
      text: '[mole]\nsilence = "2m"\nlease = "5m"\n',
      told: [
        "f:2:11: mole.silence: is 2m; expected at most 1m: a dead host's vips stay uncovered for so long",
        "f:3:9: mole.lease: is 5m; expected at most 2m: a hung host's vips stay uncovered for so long",
      ],
    },
    {
      name: "a vip without addresses",
      text: vip("web", ""),
      told: ["f:3:13: mole.vip[0].addresses: found an empty array, expected at least one address"],
    },
    {
      name: "addresses that nobody can cover",
      text: vip("web", '"127.0.0.1", "224.0.0.1", "::", "ff02::1", "::ffff:192.0.2.1", "255.255.255.255"'),
      told: [
        "f:3:14: mole.vip[0].addresses[0]: 127.0.0.1 cannot be covered: it never leaves the host",
        "f:3:27: mole.vip[0].addresses[1]: 224.0.0.1 cannot be covered: it is a multicast address",
        "f:3:40: mole.vip[0].addresses[2]: :: cannot be covered: it means no address",
        "f:3:46: mole.vip[0].addresses[3]: ff02::1 cannot be covered: it is a multicast address",
        "f:3:57: mole.vip[0].addresses[4]: ::ffff:192.0.2.1 cannot be covered: it is an IPv4 address inside IPv6: write it as IPv4",
        "f:3:77: mole.vip[0].addresses[5]: 255.255.255.255 cannot be covered: it is the broadcast address",
      ],
    },
    {
      name: "a device that the kernel would not take",
      text: vip("web", '"192.0.2.1"', 'device = "a-device-too-long"'),
      told: [
        'f:4:10: mole.vip[0].device: found "a-device-too-long", expected a network device such as "eth0" (at most 15 characters, no blank, no "/")',
      ],
    },
    {
      name: "one table where there must be an array",
      text: '[mole.vip]\nname = "web"',
      told: ["f:1:7: mole.vip: found one table, expected an array of tables; did you mean [[mole.vip]]?"],
    },
  ])
    test(name, () => expect(mistakesIn(text)).toEqual(told));
});
