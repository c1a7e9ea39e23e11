import { formatAddress, type IpAddress, networkContains, parseNetwork } from "../base/ip-address.ts";

/** Addresses that no host can cover for clients. */
const UNFIT = [
  ["0.0.0.0/8", 'means "this network"'],
  ["127.0.0.0/8", "never leaves the host"],
  ["224.0.0.0/4", "is a multicast address"],
  ["255.255.255.255", "is the broadcast address"],
  ["::", "means no address"],
  ["::1", "never leaves the host"],
  ["ff00::/8", "is a multicast address"],
  ["::ffff:0:0/96", "is an IPv4 address inside IPv6: write it as IPv4"],
].map(([network, why]) => ({ network: parseNetwork(network!), why: why! }));

/** Why the address can't be a vip; `undefined` where it can. */
export function addressTrouble(address: IpAddress): string | undefined {
  const unfit = UNFIT.find(
    ({ network }) => network.address.family === address.family && networkContains(network, address),
  );
  return unfit && `${formatAddress(address)} cannot be covered: it ${unfit.why}`;
}
