import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "../../lib/base/ip-address.ts";
import { arpProbe, arpQuestion, gratuitousReply, gratuitousRequest, tryArpClaim } from "../../lib/mole/arp.ts";
import { formatMac, tryMac } from "../../lib/mole/mac.ts";
import {
  advertisement,
  solicitation,
  solicitationProbe,
  tryAdvertisement,
} from "../../lib/mole/neighbour-discovery.ts";

const mac = tryMac("02:00:00:00:00:01")!;
const four = parseAddress("192.0.2.10").bytes;
const six = parseAddress("2001:db8::10").bytes;
const other = parseAddress("192.0.2.2").bytes;

for (const { claim, frame, is } of [
  {
    claim: "a gratuitous request has the vip as sender and target",
    frame: gratuitousRequest(mac, four),
    is: "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c000020a 000000000000 c000020a",
  },
  {
    claim: "a gratuitous reply has the sender's own MAC as target's",
    frame: gratuitousReply(mac, four),
    is: "ffffffffffff 020000000001 0806 0001 0800 06 04 0002 020000000001 c000020a 020000000001 c000020a",
  },
  {
    claim: "in person it goes to one MAC",
    frame: gratuitousRequest(mac, four, tryMac("02:00:00:00:00:07")!),
    is: "020000000007 020000000001 0806 0001 0800 06 04 0001 020000000001 c000020a 000000000000 c000020a",
  },
  {
    claim: "a question has the vip as sender",
    frame: arpQuestion(mac, four, other),
    is: "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c000020a 000000000000 c0000202",
  },
  {
    claim: "a probe has no sender's address",
    frame: arpProbe(mac, four),
    is: "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 00000000 000000000000 c000020a",
  },
  {
    claim: "an advertisement goes to all nodes, overrides, and carries the MAC",
    frame: advertisement(mac, six, false),
    is: `333300000001 020000000001 86dd 60000000 0020 3a ff 20010db8000000000000000000000010 ff020000000000000000000000000001
         88 00 f90c 20000000 20010db8000000000000000000000010 02 01 020000000001`,
  },
  {
    claim: "a router's advertisement says so",
    frame: advertisement(mac, six, true),
    is: `333300000001 020000000001 86dd 60000000 0020 3a ff 20010db8000000000000000000000010 ff020000000000000000000000000001
         88 00 790c a0000000 20010db8000000000000000000000010 02 01 020000000001`,
  },
  {
    claim: "a solicitation carries the MAC of whom to tell",
    frame: solicitation(mac, six, parseAddress("2001:db8::2").bytes),
    is: `3333ff000002 020000000001 86dd 60000000 0020 3a ff 20010db8000000000000000000000010 ff0200000000000000000001ff000002
         87 00 1c18 00000000 20010db8000000000000000000000002 01 01 020000000001`,
  },
  {
    claim: "a probe by neighbour discovery comes from nobody",
    frame: solicitationProbe(mac, six),
    is: `3333ff000010 020000000001 86dd 60000000 0018 3a ff 00000000000000000000000000000000 ff0200000000000000000001ff000010
         87 00 4ccf 00000000 20010db8000000000000000000000010`,
  },
])
  test(`frames: ${claim}`, () => {
    expect(Buffer.from(frame).toString("hex")).toBe(is.replace(/\s/g, ""));
    if (frame[12] === 0x86) expect(sumOf(frame)).toBe(0xffff); // RFC 1071: a right checksum makes the sum of all words this
  });

/** The one's complement sum over pseudo header and message, with the checksum in it. */
function sumOf(frame: Uint8Array): number {
  const words = [frame.length - 54, 58];
  for (let at = 22; at < frame.length; at += 2) words.push(frame[at]! * 256 + frame[at + 1]!);
  return words.reduce(
    (sum, word) => ((sum + word) % 0xffff === 0 && sum + word > 0 ? 0xffff : (sum + word) % 0xffff),
    0,
  );
}

test("an announcement is a claim, a probe is none", () => {
  const claims = [gratuitousRequest(mac, four), gratuitousReply(mac, four), arpProbe(mac, four)].map((frame) =>
    tryArpClaim(frame, 0, frame.length),
  );
  expect(claims).toEqual([{ address: four, mac }, { address: four, mac }, undefined]);
  const told = advertisement(mac, six, false);
  const asked = solicitation(mac, six, six);
  expect(tryAdvertisement(told, 0, told.length)).toEqual({ address: six, mac });
  expect(tryAdvertisement(told, 0, told.length - 8)).toEqual({ address: six, mac }); // without the option: the frame's source
  expect(tryAdvertisement(asked, 0, asked.length)).toBeUndefined();
});

test("whatever bytes come, a claim is read within them, or none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, start) => {
      for (const read of [tryArpClaim, tryAdvertisement]) {
        const claim = read(bytes, Math.min(start, bytes.length), bytes.length);
        if (claim !== undefined) expect(claim.mac).toHaveLength(6);
      }
    }),
  );
});

test("a MAC is read as it is written", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) =>
      expect(tryMac(formatMac(bytes))).toEqual(bytes),
    ),
  );
  for (const text of ["", "02:00:00:00:00", "02-00-00-00-00-01", "02:00:00:00:00:0g"])
    expect(tryMac(text)).toBeUndefined();
});
