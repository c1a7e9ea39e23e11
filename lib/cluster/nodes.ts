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
    if (taken.has(name)) refuse(text, `two hosts are called ${JSON.stringify(name)}`);
    taken.set(name, name);
    if (addresses.length !== first!.addresses.length)
      refuse(
        text,
        `${JSON.stringify(first!.name)} has ${counted(first!.addresses.length)}, ${JSON.stringify(name)} has ${counted(addresses.length)}`,
      );
    for (const [link, address] of addresses.entries()) {
      const written = formatAddress(address);
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
