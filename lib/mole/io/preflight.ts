// What a start would need of this host, looked at without touching anything.
import { readFileSync } from "node:fs";
import type { Definition } from "../definition.ts";
import { tryPlaced } from "../placement.ts";
import type { Finding } from "../readiness.ts";
import { AddressWriter } from "./address-writer.ts";
import { ipMode } from "./guard.ts";
import { deviceSetting, HostNetwork } from "./host-network.ts";

const CAPABILITIES = [
  { bit: 12n, name: "CAP_NET_ADMIN", why: "to put addresses on" },
  { bit: 13n, name: "CAP_NET_RAW", why: "to announce and probe them" },
];

/** Rights, guard, kernel, and each vip's devices. Also without the rights that a start needs. @throws {Fault} the kernel can't be asked */
export function preflight(definitions: readonly Definition[]): readonly Finding[] {
  using network = new HostNetwork({ addressGone: () => {}, changed: () => {}, lost: () => {} });
  const writer = new AddressWriter(network);
  return [...rights(), guard(), marks(network), ...definitions.flatMap((one) => vip(one, network, writer))];
}

/** Each with what it is for, and what to do. */
export function missingRights(): readonly string[] {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"));
  const have = BigInt(`0x${line?.[1] ?? "0"}`);
  return CAPABILITIES.filter(({ bit }) => ((have >> bit) & 1n) === 0n).map(
    ({ name, why }) => `${name} is missing, ${why}: run it as root`,
  );
}

function rights(): readonly Finding[] {
  const about = "rights";
  const missing = missingRights();
  if (missing.length === 0) return [{ level: "fine", about, text: "addresses and packets are ours to handle" }];
  return missing.map((text) => ({ level: "error", about, text }));
}

function guard(): Finding {
  const mode = ipMode();
  const about = "guard";
  if (mode === undefined)
    return { level: "error", about, text: "it needs sh and ip (package iproute2), and they don't run" };
  if (mode === "batch") return { level: "fine", about, text: "sh and ip are there" };
  return {
    level: "warning",
    about,
    text: "this ip takes no batches: after a crash addresses are removed one by one; iproute2's takes all at once",
  };
}

function marks({ hasMarks }: HostNetwork): Finding {
  if (hasMarks) return { level: "fine", about: "kernel", text: "it keeps our mark on addresses" };
  const text =
    "it keeps no mark on addresses (5.18 does): what a crash left is told by its lease, and only where the vip is still in the config";
  return { level: "warning", about: "kernel", text };
}

function vip(definition: Definition, network: HostNetwork, writer: AddressWriter): readonly Finding[] {
  const about = `vip ${definition.name}`;
  const ours = new Set(writer.ours([definition]).map(({ text }) => text));
  const places = writer.place(definition, (text) => ours.has(text));
  if (typeof places === "string") return [{ level: "error", about, text: places }];
  const findings: Finding[] = [];
  for (const { placed, order, deviceName } of places) {
    const stray = writer.strayBeside(placed.text, (text) => ours.has(text));
    if (stray !== undefined) findings.push({ level: "error", about, text: stray });
    const link = network.link(order.device);
    const isIpv6 = placed.address.family === 6;
    if (link?.isLoopback === true)
      findings.push({
        level: "warning",
        about,
        text: `${placed.text} is on ${deviceName}: nobody else can reach it there`,
      });
    else if (link?.hasCarrier !== true)
      findings.push({
        level: "warning",
        about,
        text: `${deviceName} has no carrier: ${placed.text} can't be held until it has one`,
      });
    else if (link.isNoArp || link.mac.length !== 6)
      findings.push({
        level: "warning",
        about,
        text: `${deviceName} is no Ethernet: nobody can be told where ${placed.text} is`,
      });
    if (isIpv6 && deviceSetting(6, deviceName, "disable_ipv6") !== 0)
      findings.push({
        level: "error",
        about,
        text: `${deviceName} has no IPv6: set net.ipv6.conf.${deviceName}.disable_ipv6=0 for ${placed.text}`,
      });
    if (placed.device !== undefined && network.deviceFor(placed.address) === undefined)
      findings.push({
        level: "warning",
        about,
        text: `${deviceName} has no subnet with ${placed.text}: its neighbours may not be able to answer`,
      });
  }
  if (findings.length > 0) return findings;
  const text = (tryPlaced(definition) ?? []).map((one, at) => `${one.text} on ${places[at]!.deviceName}`).join(", ");
  return [{ level: "fine", about, text }];
}
