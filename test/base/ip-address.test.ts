import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../lib/base/fault.ts";
import {
  formatAddress,
  formatNetwork,
  networkAround,
  networkContains,
  parseAddress,
  parseNetwork,
  sameAddress,
  tryAddress,
  tryInterfaceAddress,
  tryNetwork,
  tryPeerAddress,
} from "../../lib/base/ip-address.ts";

describe("an address is read and written in its canonical form", () => {
  for (const [text, canonical] of [
    ["0.0.0.0", "0.0.0.0"],
    ["192.0.2.255", "192.0.2.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8::0001", "2001:db8::1"],
    ["2001:db8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"], // RFC 5952 4.2.2
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"], // 4.2.3: the longest run
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"], // 4.2.3: of equal runs the first
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["::ffff:c000:201", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ] as const)
    test(text, () => expect(formatAddress(parseAddress(text))).toBe(canonical));
});

describe("what is no address is refused", () => {
  for (const text of [
    "",
    " ",
    "10.1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    "1.2.3.-4",
    "0x1.2.3.4",
    "1.2.3.4/8",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "g::",
    "1:",
    ":1",
    "fe80::1%eth0",
    "::1.2.3",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::ffff:1.2.3.256",
    `${"0".repeat(50)}::`,
  ])
    test(JSON.stringify(text), () => expect(tryAddress(text)).toBeUndefined());
});

describe("a network", () => {
  for (const [text, canonical] of [
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3", "10.1.2.3"],
    ["10.1.2.3/32", "10.1.2.3"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["::/0", "::/0"],
    ["2001:db8::/33", "2001:db8::/33"],
  ] as const)
    test(`${text} is one`, () => expect(formatNetwork(parseNetwork(text))).toBe(canonical));
  for (const text of [
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "/8",
    "::1/64",
    "::/129",
    "10/8",
    "1.2.3.4/8/8",
  ])
    test(`${text} is none`, () => expect(tryNetwork(text)).toBeUndefined());
  test("with bits behind its prefix is refused with the network around it", () => {
    expect(() => parseNetwork("10.9.0.1/8")).toThrow(/did you mean "10\.0\.0\.0\/8"\?$/);
    expect(networkAround("2001:db8:ffff::1/33")).toBe("2001:db8:8000::/33");
    expect(networkAround("nonsense")).toBeUndefined();
  });
  test("that is a host's own address keeps its bits as an interface address", () => {
    expect(formatNetwork(tryInterfaceAddress("10.0.0.1/8")!)).toBe("10.0.0.1/8");
  });
});

describe("a network contains", () => {
  for (const { network, inside, outside } of [
    {
      network: "10.0.0.0/8",
      inside: ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
      outside: ["11.0.0.0", "9.255.255.255", "::a00:1"],
    },
    { network: "192.0.2.128/25", inside: ["192.0.2.128", "192.0.2.255"], outside: ["192.0.2.127", "192.0.3.128"] },
    { network: "192.0.2.7", inside: ["192.0.2.7"], outside: ["192.0.2.6"] },
    { network: "0.0.0.0/0", inside: ["255.255.255.255"], outside: ["::1"] },
    { network: "::/0", inside: ["::1", "ffff::"], outside: ["1.2.3.4", "::ffff:1.2.3.4"] },
    { network: "fe80::/10", inside: ["fe80::1", "febf::"], outside: ["fec0::"] },
    { network: "::ffff:10.0.0.0/104", inside: ["10.9.9.9", "::ffff:10.9.9.9"], outside: ["11.0.0.0"] },
  ]) {
    for (const address of inside)
      test(`${network}: ${address}`, () =>
        expect(networkContains(parseNetwork(network), parseAddress(address))).toBe(true));
    for (const address of outside)
      test(`${network}: not ${address}`, () =>
        expect(networkContains(parseNetwork(network), parseAddress(address))).toBe(false));
  }
});

test("a peer's zone and the IPv4 inside its IPv6 address are resolved", () => {
  expect(formatAddress(tryPeerAddress("fe80::1%eth0")!)).toBe("fe80::1");
  expect(formatAddress(tryPeerAddress("::ffff:192.0.2.7")!)).toBe("192.0.2.7");
  expect(tryPeerAddress("")).toBeUndefined();
});

const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }), sparse16())
  .map((bytes) => ({ family: bytes.length === 4 ? (4 as const) : (6 as const), bytes }));

function sparse16() {
  return fc
    .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
    .map((bytes) => Uint8Array.from(bytes));
}

test("every address survives writing and reading", () => {
  fc.assert(
    fc.property(address, (one) => sameAddress(parseAddress(formatAddress(one)), one)),
    { numRuns: 2_000 },
  );
});

test("a network contains an address exactly where the leading bits agree", () => {
  const bitsOf = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const case_ = fc.tuple(address, fc.nat(128), fc.nat(127)).map(([one, bits, flipped]) => ({
    one,
    bits: bits % (one.bytes.length * 8 + 1),
    flipped: flipped % (one.bytes.length * 8),
  }));
  fc.assert(
    fc.property(case_, ({ one, bits, flipped }) => {
      const other = { family: one.family, bytes: one.bytes.slice() };
      other.bytes[flipped >> 3]! ^= 0x80 >> (flipped & 7);
      const network = parseNetwork(networkAround(`${formatAddress(one)}/${bits}`)!);
      fc.pre(one.family === 4 || !/^0{80}1{15}/.test(bitsOf(one.bytes))); // mapped ones are in the table above
      expect(networkContains(network, one)).toBe(true);
      expect(networkContains(network, other)).toBe(flipped >= bits);
    }),
    { numRuns: 2_000 },
  );
});

test("no text does anything but parse or be refused by a fault", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(..."0123456789abcf:./%"), maxLength: 50 }),
  );
  fc.assert(
    fc.property(text, (some) => {
      for (const read of [parseAddress, parseNetwork])
        try {
          read(some);
        } catch (failure) {
          expect(failure).toBeInstanceOf(Fault);
        }
    }),
    { numRuns: 5_000 },
  );
});
