// The kernel runs these programs: so the kernel is asked what passes them.
import { describe, expect, test } from "bun:test";
import { parseAddress } from "../../lib/base/ip-address.ts";
import { NLM_F_ACK, NLM_F_CREATE } from "../../lib/linux/netlink-message.ts";
import {
  NetlinkMonitor,
  NetlinkRequester,
  RTMGRP_IPV4_ADDRESS,
  RTMGRP_IPV6_ADDRESS,
} from "../../lib/linux/netlink-socket.ts";
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, PacketReceiver, PacketSender } from "../../lib/linux/packet-socket.ts";
import { RTM_GETLINK, readAddress, readLink, writeNewAddress } from "../../lib/linux/rtnetlink.ts";
import { advertisementsOf, allButMarked, arpFrom } from "../../lib/linux/socket-filter.ts";
import { arpProbe, gratuitousRequest } from "../../lib/mole/arp.ts";
import { tryMac } from "../../lib/mole/mac.ts";
import { advertisement, solicitation } from "../../lib/mole/neighbour-discovery.ts";
import { hasNamespaces, Wire } from "../support/wire.ts";

const mac = tryMac("02:00:00:00:00:01")!;
const bytes = (text: string) => parseAddress(text).bytes;
const indexOf = (name: string) => {
  using requester = new NetlinkRequester();
  return requester.dump(RTM_GETLINK, readLink).find((link) => link.name === name)!.device;
};

describe.if(hasNamespaces)("socket filters", () => {
  for (const { claim, etherType, program, frames, passes } of [
    {
      claim: "ARP of watched senders passes, of others and of nobody does not",
      etherType: ETHERTYPE_ARP,
      program: arpFrom([bytes("192.0.2.10"), bytes("192.0.2.12")]),
      frames: ["192.0.2.10", "192.0.2.11", "192.0.2.12"].map((text) => gratuitousRequest(mac, bytes(text))),
      passes: [0, 2],
    },
    {
      claim: "a probe for a watched address does not pass",
      etherType: ETHERTYPE_ARP,
      program: arpFrom([bytes("192.0.2.10")]),
      frames: [arpProbe(mac, bytes("192.0.2.10")), gratuitousRequest(mac, bytes("192.0.2.10"))],
      passes: [1],
    },
    {
      claim: "advertisements of watched addresses pass, those of others and questions do not",
      etherType: ETHERTYPE_IPV6,
      program: advertisementsOf([bytes("2001:db8::10")]),
      frames: [
        advertisement(mac, bytes("2001:db8::11"), false),
        solicitation(mac, bytes("2001:db8::10"), bytes("2001:db8::10")),
        advertisement(mac, bytes("2001:db8::10"), false),
      ],
      passes: [2],
    },
    {
      claim: "with more addresses than a program can hold, all ARP passes",
      etherType: ETHERTYPE_ARP,
      program: arpFrom(Array.from({ length: 3_000 }, (_, nth) => Uint8Array.of(10, 0, nth >> 8, nth & 255))),
      frames: [gratuitousRequest(mac, bytes("192.0.2.10"))],
      passes: [0],
    },
  ])
    test(claim, async () => {
      using wire = new Wire();
      const heard: string[] = [];
      const all = Promise.withResolvers<void>();
      using _receiver = wire.inFar(
        () =>
          new PacketReceiver(etherType, program, (_, memory, start, end) => {
            const at = frames.findIndex((frame) => Buffer.compare(frame, memory.subarray(start, end)) === 0);
            if (at >= 0) heard.push(String(at));
            if (heard.length === passes.length) all.resolve();
          }),
      );
      using sender = new PacketSender();
      for (const frame of frames) sender.send(indexOf("near0"), frame);
      await all.promise;
      expect(heard).toEqual(passes.map(String));
    });

  test("an address that bears the mark is told when it goes, not when it comes or is renewed", async () => {
    using _wire = new Wire();
    const device = indexOf("near0");
    const seen: string[] = [];
    const all = Promise.withResolvers<void>();
    using _monitor = new NetlinkMonitor(RTMGRP_IPV4_ADDRESS | RTMGRP_IPV6_ADDRESS, allButMarked(109), {
      changed(reader) {
        const text = readAddress(reader)?.text;
        if (text?.endsWith("1") === true && text !== "192.0.2.11") return; // the wire's own, which may come late
        seen.push(`${reader.type === 20 ? "new" : "gone"} ${text}`);
        if (seen.at(-1) === "new 192.0.2.12") all.resolve();
      },
      lost() {},
      turnEnded() {},
    });
    using requester = new NetlinkRequester();
    const put = (text: string, mark: number) => {
      const order = { address: parseAddress(text), prefixBits: text.includes(":") ? 128 : 32, device, mark };
      writeNewAddress(requester.writer, order, 60, NLM_F_CREATE | NLM_F_ACK, requester.sequence());
      expect(requester.order().size).toBe(0);
    };
    put("192.0.2.10", 109);
    put("2001:db8::10", 109);
    put("192.0.2.11", 7);
    _wire.near("ip address del 192.0.2.10/32 dev near0");
    put("192.0.2.12", 0);
    await all.promise;
    expect(seen).toEqual(["new 192.0.2.11", "gone 192.0.2.10", "new 192.0.2.12"]);
  });
});
