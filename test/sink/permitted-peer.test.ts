import { describe, expect, test } from "bun:test";
import { namesOf } from "../../lib/base/certificate-name.ts";
import {
  formatPermittedPeer,
  type PeerCertificate,
  parsePermittedPeer,
  whyRefused,
} from "../../lib/sink/permitted-peer.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const SHA1 = "E1".repeat(20);
const SHA256 = "2D".repeat(32);
const good: PeerCertificate = {
  isAuthorized: true,
  names: ["web1.example.com", "192.0.2.7"],
  sha1: SHA1,
  sha256: SHA256,
  validFromMs: Date.parse("2026-01-01T00:00:00Z"),
  validToMs: Date.parse("2027-01-01T00:00:00Z"),
};
const selfSigned: PeerCertificate = { ...good, isAuthorized: false };
const expired: PeerCertificate = { ...good, isAuthorized: false, validToMs: Date.parse("2026-11-01T08:00:00Z") };
const early: PeerCertificate = { ...good, isAuthorized: false, validFromMs: Date.parse("2026-12-24T00:00:00Z") };

describe("a peer", () => {
  for (const { claim, permitted, certificate = good, why } of [
    { claim: "of an authority of ours may send, where nobody is named", permitted: [], why: undefined },
    { claim: "of no authority of ours may not", permitted: [], certificate: selfSigned, why: /no authority of ours/ },
    { claim: "that is named may send", permitted: ["web1.example.com"], why: undefined },
    { claim: "that is named in other letters may send", permitted: ["WEB1.Example.com"], why: undefined },
    { claim: "that is named by its address may send", permitted: ["192.0.2.7"], why: undefined },
    { claim: "of a wildcard may send", permitted: ["*.example.com"], why: undefined },
    {
      claim: "two labels below a wildcard may not",
      permitted: ["*.com"],
      why: /for web1.example.com, 192.0.2.7, who is not/,
    },
    { claim: "above a wildcard may not", permitted: ["*.web1.example.com"], why: /who is not/ },
    { claim: "that is not named may not", permitted: ["web2.example.com", "web1.example.co"], why: /who is not/ },
    {
      claim: "whose name nobody vouches for may not",
      permitted: ["web1.example.com"],
      certificate: selfSigned,
      why: /no authority/,
    },
    {
      claim: "with a known fingerprint needs no authority",
      permitted: [`sha-256:${SHA256}`],
      certificate: selfSigned,
      why: undefined,
    },
    {
      claim: "with a known SHA-1 fingerprint needs none either",
      permitted: ["x", `SHA1:${SHA1}`],
      certificate: selfSigned,
      why: undefined,
    },
    {
      claim: "with another fingerprint may not",
      permitted: [`sha-256:${"2E".repeat(32)}`],
      certificate: selfSigned,
      why: /no authority/,
    },
    {
      claim: "with another fingerprint may not, whoever signed",
      permitted: [`sha-256:${"2E".repeat(32)}`],
      why: /who is not among/,
    },
    { claim: "whose certificate expired may not", permitted: [], certificate: expired, why: /expired on 2026-11-01$/ },
    {
      claim: "whose certificate expired may not by fingerprint",
      permitted: [`sha1:${SHA1}`],
      certificate: expired,
      why: /expired on 2026-11-01$/,
    },
    {
      claim: "whose certificate is not good yet may not",
      permitted: [],
      certificate: early,
      why: /good from 2026-12-24 on only$/,
    },
    {
      claim: "that bears no name is told as nobody",
      permitted: ["a.b"],
      certificate: { ...good, names: [] },
      why: /is for nobody/,
    },
  ]) {
    test(claim, () => {
      const found = whyRefused(permitted.map(parsePermittedPeer), certificate, NOW);
      if (why === undefined) expect(found).toBeUndefined();
      else expect(found).toMatch(why);
    });
  }
});

test("a permitted peer is written as it was read", () => {
  const fingerprint = `sha-1:${Array(20).fill("E1").join(":")}`;
  for (const text of ["web1.example.com", "*.example.com", fingerprint, "2001:db8::7"])
    expect(formatPermittedPeer(parsePermittedPeer(text))).toBe(text);
});

for (const { text, why } of [
  { text: "w*.example.com", why: /first label alone/ },
  { text: "*", why: /first label alone/ },
  { text: "", why: /expected a host name/ },
  { text: "sha-1:E1:2D", why: /40 hexadecimal digits, this one 4/ },
])
  test(`${JSON.stringify(text)} is no permitted peer`, () => expect(() => parsePermittedPeer(text)).toThrow(why));

for (const { names, alternative, common, gives } of [
  {
    names: "host names and addresses",
    alternative: "DNS:a.b, IP Address:192.0.2.7, email:x@y",
    common: "cn",
    gives: ["a.b", "192.0.2.7"],
  },
  { names: "a common name where there is no other", alternative: undefined, common: "cn", gives: ["cn"] },
  { names: "nothing", alternative: undefined, common: undefined, gives: [] },
  {
    names: "no name within a quoted one",
    alternative: 'DNS:"x, DNS:evil", DNS:b',
    common: "cn",
    gives: ["x, DNS:evil", "b"],
  },
])
  test(`a certificate's names are ${names}`, () => expect(namesOf(alternative, common)).toEqual(gives));
