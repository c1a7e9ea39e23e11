import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "../../lib/base/ip-address.ts";
import { NetlinkReader, NetlinkWriter, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL } from "../../lib/linux/netlink-message.ts";
import * as rtnetlink from "../../lib/linux/rtnetlink.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replace(/\s/g, ""), "hex"));

function read<T>(message: Uint8Array, take: (reader: NetlinkReader) => T): T {
  const reader = new NetlinkReader();
  reader.open(message, 0, message.length);
  expect(reader.next()).toBe(true);
  return take(reader);
}

const order = { address: parseAddress("192.0.2.10"), prefixBits: 32, device: 2, label: "eth0:w", mark: 109 };

test("a new IPv4 address with a lease of 2 s, a label and our mark is these bytes", () => {
  const writer = new NetlinkWriter();
  rtnetlink.writeNewAddress(writer, order, 2, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 7);
  expect(hex(writer.bytes)).toBe(
    hex(
      bytes(`
        50000000 1400 0506 07000000 00000000  02 20 00 00 02000000
        0800 0200 c000020a   0800 0100 c000020a   0b00 0300 657468303a7700 00
        1400 0600 02000000 02000000 00000000 00000000   0500 0b00 6d 000000`),
    ),
  );
});

test("a new IPv6 address is preferred never, and not asked for on the wire", () => {
  const writer = new NetlinkWriter();
  const address = parseAddress("2001:db8::10");
  rtnetlink.writeNewAddress(writer, { address, prefixBits: 128, device: 3, mark: 109 }, undefined, NLM_F_ACK, 1);
  expect(hex(writer.bytes)).toBe(
    hex(
      bytes(`
        64000000 1400 0500 01000000 00000000  0a 80 00 00 03000000
        1400 0200 20010db8000000000000000000000010   1400 0100 20010db8000000000000000000000010
        1400 0600 00000000 ffffffff 00000000 00000000   0800 0800 02020000   0500 0b00 6d 000000`),
    ),
  );
});

test("what is written is read back", () => {
  const writer = new NetlinkWriter();
  rtnetlink.writeNewAddress(writer, order, 2, 0, 1);
  expect(read(writer.bytes, rtnetlink.readAddress)).toEqual({
    text: "192.0.2.10",
    prefixBits: 32,
    device: 2,
    label: "eth0:w",
    mark: 109,
    validMs: 2_000,
  });
});

test("messages behind one another, longer than the memory there was, are all read", () => {
  const writer = new NetlinkWriter();
  for (let nth = 0; nth < 200; nth++) rtnetlink.writeNewAddress(writer, order, nth, 0, nth);
  const reader = new NetlinkReader();
  reader.open(writer.bytes, 0, writer.length);
  for (let nth = 0; nth < 200; nth++) {
    expect(reader.next()).toBe(true);
    expect([reader.sequence, rtnetlink.readAddress(reader)?.validMs]).toEqual([nth, nth * 1_000]);
  }
  expect(reader.next()).toBe(false);
});

// As Linux 6.18 said them of a veth in a namespace, shortened to what is read.
for (const { claim, message, as, finds } of [
  {
    claim: "a device with its carrier",
    message:
      "4c000000 1000 0000 00000000 00000000 00000100 02000000 43100100 00000000 0a000300 6e6561723000 0000 0500 1000 06 000000 0a000100 020000000001 0000 08000a00 09000000",
    as: rtnetlink.readLink,
    finds: {
      device: 2,
      name: "near0",
      isUp: true,
      hasCarrier: true,
      isLoopback: false,
      isNoArp: false,
      mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
      master: 9,
    },
  },
  {
    claim: "a neighbour that is known",
    message:
      "34000000 1c00 0000 00000000 00000000 02 00 0000 02000000 0400 00 01 08000100 c0000202 0a000200 020000000002 0000",
    as: rtnetlink.readNeighbour,
    finds: { text: "192.0.2.2", device: 2, mac: Uint8Array.of(2, 0, 0, 0, 0, 2) },
  },
  {
    claim: "nobody where resolution failed",
    message:
      "34000000 1c00 0000 00000000 00000000 02 00 0000 02000000 2000 00 01 08000100 c0000202 0a000200 020000000002 0000",
    as: rtnetlink.readNeighbour,
    finds: undefined,
  },
])
  test(`rtnetlink: ${claim}`, () => {
    const whole = bytes(message);
    new DataView(whole.buffer).setUint32(0, whole.length, true);
    expect(read(whole, as as (reader: NetlinkReader) => unknown)).toEqual(finds);
  });

test("whatever bytes come, reading ends within them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (body, length) => {
      const message = new Uint8Array(16 + body.length);
      message.set(body, 16);
      new DataView(message.buffer).setUint32(0, length, true);
      const reader = new NetlinkReader();
      reader.open(message, 0, message.length);
      for (let messages = 0; reader.next(); messages++) {
        expect(messages).toBeLessThan(20);
        expect(reader.end).toBeLessThanOrEqual(message.length);
        for (const as of [rtnetlink.readAddress, rtnetlink.readLink, rtnetlink.readNeighbour]) as(reader);
      }
    }),
  );
});
