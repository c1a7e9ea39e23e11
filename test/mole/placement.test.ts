import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "../../lib/base/ip-address.ts";
import { define } from "../../lib/mole/definition.ts";
import { defineVip, labelOn, tryPlaced } from "../../lib/mole/placement.ts";

const at = (text: string, prefixBits?: number, device?: string) => {
  const address = parseAddress(text);
  const bits = prefixBits ?? address.bytes.length * 8;
  return { address, prefixBits: bits, ...(device !== undefined && { device }) };
};

for (const { claim, vip, placement } of [
  { claim: "plain addresses need none", vip: { addresses: [at("192.0.2.1"), at("2001:db8::1")] }, placement: "" },
  {
    claim: "a device is for all",
    vip: { addresses: [at("192.0.2.1"), at("2001:db8::1")], device: "eth0" },
    placement: "eth0+eth0",
  },
  {
    claim: "an address's own device counts",
    vip: { addresses: [at("192.0.2.1", 24, "eth1"), at("192.0.2.2")], device: "eth0" },
    placement: "eth1/24+eth0",
  },
  {
    claim: "a label stands at the end",
    vip: { addresses: [at("192.0.2.1")], device: "eth0", label: "eth0:web" },
    placement: "eth0;eth0:web",
  },
  {
    claim: "a label alone",
    vip: { addresses: [at("192.0.2.1"), at("192.0.2.2")], label: "eth0:web" },
    placement: "+;eth0:web",
  },
])
  test(`placement: ${claim}`, () => expect(defineVip({ name: "web", ...vip }).placement).toBe(placement));

const devices = fc.option(fc.stringMatching(/^[!-.0-9;-~]{1,15}$/), { nil: undefined });

test("what is placed is read back as it was written, whatever devices are called", () => {
  const addresses = fc.array(
    fc.record({ host: fc.nat(255), bits: fc.option(fc.nat(32), { nil: undefined }), device: devices }),
    { minLength: 1, maxLength: 6 },
  );
  const label = fc.option(fc.stringMatching(/^[!-.0-~]{1,15}$/), { nil: undefined });
  fc.assert(
    fc.property(addresses, devices, label, (list, device, labelText) => {
      const texts = list.map((one) => at(`192.0.2.${one.host}`, one.bits, one.device));
      const placed = tryPlaced(defineVip({ name: "web", addresses: texts, device, label: labelText }))!;
      expect(placed.map((one) => [one.text, one.prefixBits, one.device, one.label])).toEqual(
        list.map((one) => [`192.0.2.${one.host}`, one.bits ?? 32, one.device ?? device, labelText]),
      );
    }),
  );
});

test("a placement of any other form is refused, and ends nothing", () => {
  for (const placement of ["eth0", "eth0+eth1+eth2", "+/33", "+eth0/024", ";", "+;a b", "+eth 0", "+%zz"])
    expect(tryPlaced(define({ name: "web", addresses: ["192.0.2.1", "192.0.2.2"], placement }))).toBeUndefined();
  expect(tryPlaced(define({ name: "web", addresses: ["nonsense"] }))).toBeUndefined();
  fc.assert(
    fc.property(fc.string(), (placement) => {
      tryPlaced(define({ name: "web", addresses: ["192.0.2.1"], placement }));
    }),
  );
});

test("a label begins with the device that it is on, and is left out where it would be too long", () => {
  expect(labelOn("eth0", "eth0:web")).toBe("eth0:web");
  expect(labelOn("eth1", "eth0:web")).toBe("eth1:web");
  expect(labelOn("eth1", "eth0")).toBe("eth1");
  expect(labelOn("enp0s31f6.100", "eth0:web")).toBeUndefined();
});
