// The hosts of a ring as an operator names them: "a=10.0.0.1,b=10.0.0.2", with a second network "a=10.0.0.1+10.1.0.1,…".
import { Fault } from "../base/fault.ts";
import { formatAddress, type IpAddress, tryAddress } from "../base/ip-address.ts";

export interface Node {
  /** Its host name, as `hostname` tells it: corosync and spreadd know the host by it. */
  readonly name: string;
  /** From 1, in the order given. */
  readonly id: number;
  /** One for each network that joins the hosts. */
  readonly addresses: readonly IpAddress[];
}

/** What the list looks like, for messages and help. */
export const NODES_FORM =
  'hosts and their addresses such as "a=10.0.0.1,b=10.0.0.2"; a second network: "a=10.0.0.1+10.1.0.1,…"';

/** corosync's bound is 8 links; more hosts than these wait too long for the token (and the rest may be clients). */
const LINKS_MAX = 8;
const NODES_MAX = 32;

/** @throws {Fault} kind "usage" */
export function parseNodes(text: string): readonly Node[] {
  const nodes = text.split(",").map((part, at) => parseNode(text, part.trim(), at + 1));
  if (nodes.length < 2) refuse(text, "one host alone needs no ring: spreadd serves it by itself");
  if (nodes.length > NODES_MAX)
    refuse(text, `${nodes.length} hosts in one ring are too many, at most ${NODES_MAX}; the others may be clients`);
  const [first] = nodes;
  const taken = new Map<string, string>();
  for (const { name, addresses } of nodes) {
    const short = shortName(name).toLowerCase();
    const namesake = taken.get(short);
    if (namesake === name) refuse(text, `two hosts are called ${JSON.stringify(name)}`);
    if (namesake !== undefined)
      refuse(
        text,
        `${JSON.stringify(namesake)} and ${JSON.stringify(name)} begin alike, and spreadd and mole know a host by the first part of its name, in small letters or capitals`,
      );
    taken.set(short, name);
    if (addresses.length !== first!.addresses.length)
      refuse(
        text,
        `${JSON.stringify(first!.name)} has ${counted(first!.addresses.length)}, ${JSON.stringify(name)} has ${counted(addresses.length)}`,
      );
    for (const [link, address] of addresses.entries()) {
      const written = formatAddress(address);
      const why = whyNoHost(address);
      if (why !== undefined) refuse(text, `${written} is ${why}`);
      const other = taken.get(written);
      if (other !== undefined)
        refuse(text, `${JSON.stringify(other)} and ${JSON.stringify(name)} have the address ${written}`);
      taken.set(written, name);
      if (address.family !== first!.addresses[link]!.family)
        refuse(
          text,
          `on one network all addresses are of one family, ${written} is of another than ${formatAddress(first!.addresses[link]!)}`,
        );
    }
  }
  return nodes;
}

/** As spreadd and mole call the host. */
export function shortName(name: string): string {
  return name.split(".", 1)[0]!;
}

/** Why other hosts can't reach a host by this address; `undefined` where they may. */
function whyNoHost({ family, bytes }: IpAddress): string | undefined {
  const [first = 0] = bytes;
  const isMulticast = family === 4 ? first >= 224 && first < 240 : first === 0xff;
  if (isMulticast) return "a multicast address";
  if (bytes.every((byte) => byte === 0)) return "no address of a host";
  if (family === 4 && first >= 240) return "no address of a host";
  const isLoopback = family === 4 ? first === 127 : bytes.every((byte, at) => byte === (at === 15 ? 1 : 0));
  return isLoopback ? "of this host alone: others don't reach it" : undefined;
}

function parseNode(text: string, part: string, id: number): Node {
  const [, name, list] = /^([^=]*)=(.*)$/.exec(part) ?? [];
  if (name === undefined || list === undefined) refuse(text, `${JSON.stringify(part)} has no "="`);
  if (!HOST_NAME.test(name)) refuse(text, `${JSON.stringify(name)} is no host name`);
  const addresses = list
    .split("+")
    .map((one) => tryAddress(one) ?? refuse(text, `${JSON.stringify(one)} is no IP address`));
  if (addresses.length > LINKS_MAX) refuse(text, `corosync has at most ${LINKS_MAX} links`);
  return { name, id, addresses };
}

const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63})*$/;

const counted = (count: number) => (count === 1 ? "one address" : `${count} addresses`);

function refuse(text: string, why: string): never {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  throw new Fault("usage", "nodes", `cannot read nodes ${JSON.stringify(shown)}: ${why}; expected ${NODES_FORM}`);
}
