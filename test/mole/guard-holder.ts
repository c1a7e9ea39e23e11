// A process that holds addresses under a guard, to be killed: `bun guard-holder.ts PORT WHAT`. Says what it has done, one word a line.
import { parseAddress } from "../../lib/base/ip-address.ts";
import { openKernelDriver } from "../../lib/mole/io/kernel-driver.ts";
import { defineVip } from "../../lib/mole/placement.ts";
import { bootMs } from "../../lib/run/clock.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);
const [port, what] = process.argv.slice(2);
const driver = openKernelDriver({
  notify: [],
  notifyPerSecond: 1,
  onEvent: (event) => say(JSON.stringify(event)),
});
const socket = await Bun.connect({ hostname: "127.0.0.1", port: Number(port), socket: { data() {} } });
const { fd } = socket as unknown as { readonly fd: number };
driver.beginSession({ socketFd: fd, lastWords: new TextEncoder().encode("fare\0well\n\xff") });
const addresses = ["192.0.2.10", "192.0.2.11", "2001:db8::10"].map((text) => {
  const address = parseAddress(text);
  return { address, prefixBits: address.bytes.length * 8 };
});
for (const [at, one] of addresses.entries())
  driver.acquire(defineVip({ name: `vip${at}`, addresses: [one] }), 60_000, bootMs() + 60_000, () => true);
const vips = addresses.map((one, at) => defineVip({ name: `vip${at}`, addresses: [one] }).id);
driver.release(vips[1]!);
if (what === "maintained") driver.renew(vips, undefined, Number.POSITIVE_INFINITY);
if (what === "hushed" || what === "heard") driver.hush(true);
if (what === "heard") driver.hush(false);
if (what === "ended") {
  for (const vip of vips) driver.release(vip);
  driver.endSession();
}
say("ready");
setInterval(() => {}, 1_000);
