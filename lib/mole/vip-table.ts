// `[[mole.vip]]`: the sets of addresses that a ring of hosts keeps covered.
import * as v from "valibot";
import { formatAddress, type IpNetwork, tryInterfaceAddress } from "../base/ip-address.ts";
import { integer, parsed } from "../base/schema.ts";
import type { Complaint } from "../base/table.ts";
import { addressTrouble } from "./vip-address.ts";

/** IFNAMSIZ less its NUL: what the kernel allows for devices and for address labels. */
const DEVICE_BYTES_MAX = 15;

/** A network device. */
export const device = parsed(
  `a network device such as "eth0" (at most ${DEVICE_BYTES_MAX} characters, no blank, no "/")`,
  (text) => (isDeviceName(text) && text !== "." && text !== ".." ? text : undefined),
);

const label = parsed(
  `a label such as "eth0:web" (the device, a colon, a word; at most ${DEVICE_BYTES_MAX} characters together)`,
  (text) => (isDeviceName(text) ? text : undefined),
);

function isDeviceName(text: string): boolean {
  return /^[!-.0-~]+$/.test(text) && text.length <= DEVICE_BYTES_MAX;
}

/** One address of a vip, as `ip address` writes it: with the device where the vip has several. */
const vipAddress = parsed(
  'an address such as "192.0.2.7", "192.0.2.7/24" or "2001:db8::7 dev eth1"',
  (text): (IpNetwork & { readonly device?: string }) | undefined => {
    const [, address, name] = /^(\S+)(?: +dev +(\S+))?$/.exec(text) ?? [];
    const read = address === undefined ? undefined : tryInterfaceAddress(address);
    if (read === undefined || (name !== undefined && !isDeviceName(name))) return undefined;
    return name === undefined ? read : { ...read, device: name };
  },
  { examples: ["192.0.2.7", "192.0.2.7/24", "2001:db8::7 dev eth1"] },
);

/** What a vip is called. */
export const vipName = parsed('a name of letters, digits, ".", "_" and "-", at most 64: "web"', (text) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text) ? text : undefined,
);

/** A host, as the cluster calls it. */
export const host = parsed('a host name such as "node1"', (text) =>
  /^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(text) ? text : undefined,
);

/** One entry. */
export const vip = v.strictObject({
  name: v.pipe(vipName, v.description("What status, logs and commands call it")),
  addresses: v.pipe(
    v.array(vipAddress, "a list of addresses"),
    v.minLength(1, "at least one address"),
    v.description(
      "Covered together by one host; held as /32 and /128 unless a prefix is given, which needs promote_secondaries",
    ),
  ),
  device: v.optional(
    v.pipe(
      device,
      v.description("Where the addresses go that name no device; left out, the device that has their subnet"),
    ),
  ),
  label: v.optional(v.pipe(label, v.description("Label of the IPv4 addresses, as ifconfig shows them"))),
  prefer: v.optional(
    v.pipe(v.array(host, "a list of host names"), v.description("Hosts that take it if they can, the best first")),
    [],
  ),
  only: v.optional(
    v.pipe(v.array(host, "a list of host names"), v.description("Hosts that may hold it; left out, all")),
    undefined,
  ),
  weight: v.optional(
    v.pipe(integer(1, 1_000_000), v.description("Its share of a host's load, beside the other vips'")),
    1,
  ),
  all_failed: v.optional(
    v.pipe(
      v.picklist(["keep", "drop"], '"keep" or "drop"'),
      v.description("What becomes of it when health has failed on every host; left out, as [mole] says"),
    ),
  ),
});

export type VipTable = v.InferOutput<typeof vip>;

/** What is wrong with the vips, each by itself and with one another. Paths begin at `[mole]`. */
export function checkVips(vips: readonly VipTable[]): readonly Complaint[] {
  return [...namesTwice(vips), ...addressesTwice(vips), ...vips.flatMap(troubles)];
}

function namesTwice(vips: readonly VipTable[]): readonly Complaint[] {
  const first = new Map<string, number>();
  return vips.flatMap(({ name }, at) => {
    const before = first.get(name);
    if (before === undefined) first.set(name, at);
    const message = `${JSON.stringify(name)} is the name of mole.vip[${before}] too: every vip needs one of its own`;
    return before === undefined ? [] : [{ path: ["vip", at, "name"], code: "name-twice", message }];
  });
}

/** An address covered by two vips would be covered twice, or dropped by the one that moves away. */
function addressesTwice(vips: readonly VipTable[]): readonly Complaint[] {
  const first = new Map<string, { readonly at: number; readonly vip: string }>();
  const complaints: Complaint[] = [];
  for (const [at, { name, addresses }] of vips.entries()) {
    for (const [nth, { address }] of addresses.entries()) {
      const text = formatAddress(address);
      const before = first.get(text);
      if (before === undefined) {
        first.set(text, { at, vip: name });
        continue;
      }
      const owner = before.at === at ? "this vip" : `vip ${JSON.stringify(before.vip)} (mole.vip[${before.at}])`;
      const message = `${text} belongs to ${owner} already: an address can be in one vip, once`;
      complaints.push({ path: ["vip", at, "addresses", nth], code: "address-twice", message });
    }
  }
  return complaints;
}

function troubles(vip: VipTable, at: number): readonly Complaint[] {
  const complaints: Complaint[] = [];
  for (const [nth, { address }] of vip.addresses.entries()) {
    const trouble = addressTrouble(address);
    if (trouble !== undefined)
      complaints.push({ path: ["vip", at, "addresses", nth], code: "address", message: trouble });
  }
  for (const [nth, name] of vip.prefer.entries()) {
    if (vip.only === undefined || vip.only.includes(name)) continue;
    const message = `prefers ${JSON.stringify(name)}, which "only" leaves out: add it there, or remove it here`;
    complaints.push({ path: ["vip", at, "prefer", nth], code: "contradiction", message });
  }
  if (vip.only?.length === 0)
    complaints.push({
      path: ["vip", at, "only"],
      code: "never",
      message: "no host may hold it: name one, or leave the key out for all",
    });
  if (
    vip.device !== undefined &&
    vip.label !== undefined &&
    vip.label !== vip.device &&
    !vip.label.startsWith(`${vip.device}:`)
  ) {
    const message = `found ${JSON.stringify(vip.label)}, expected the device first: "${vip.device}:WORD"`;
    complaints.push({ path: ["vip", at, "label"], code: "label", message });
  }
  return complaints;
}
