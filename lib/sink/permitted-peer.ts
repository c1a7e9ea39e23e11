// Who may send over TLS, by certificate (RFC 5425 section 5): a host name, a name with `*` as its first label, or the fingerprint of a certificate.
//
// A name is worth what vouches for it: it counts only where an authority of ours has signed the certificate. A fingerprint needs nobody: it is the one
// certificate, be it signed by itself; but it ends with the certificate's own time all the same.
import { nameMatches, tryNamePattern } from "../base/certificate-name.ts";
import { Fault } from "../base/fault.ts";
import { CivilDate } from "../syslog/civil-date.ts";

export type PermittedPeer =
  | { readonly by: "name"; readonly name: string }
  /** `digits`: upper-case hexadecimal, without colons. */
  | { readonly by: "fingerprint"; readonly hash: "sha-1" | "sha-256"; readonly digits: string };

export const PERMITTED_PEER_FORM =
  'a host name such as "web1.example.com" or "*.example.com", or a fingerprint such as "sha-256:E1:2D:..."';

/** What is known of a peer after its handshake: the private key is its own, as the handshake has proved. */
export interface PeerCertificate {
  /** Whether an authority of ours has signed it, and it is in its time. */
  readonly isAuthorized: boolean;
  /** Its names: dNSName and iPAddress of subjectAltName; its common name where it has none of them (RFC 5425 section 5.2). */
  readonly names: readonly string[];
  /** Upper-case hexadecimal, without colons. */
  readonly sha1: string;
  readonly sha256: string;
  readonly validFromMs: number;
  readonly validToMs: number;
}

const DIGITS = { "sha-1": 40, "sha-256": 64 } as const;

/** @throws {Fault} kind "usage", code "peer" */
export function parsePermittedPeer(text: string): PermittedPeer {
  const [, hashName, fingerprint] = /^(sha-?1|sha-?256):([0-9a-f:]+)$/i.exec(text) ?? [];
  if (hashName !== undefined) {
    const hash = hashName.endsWith("1") ? "sha-1" : "sha-256";
    const digits = fingerprint!.replaceAll(":", "").toUpperCase();
    if (digits.length === DIGITS[hash]) return { by: "fingerprint", hash, digits };
    throw refusal(text, `a ${hash} fingerprint has ${DIGITS[hash]} hexadecimal digits, this one ${digits.length}`);
  }
  const name = tryNamePattern(text);
  if (name !== undefined) return { by: "name", name };
  const why = text.includes("*") ? "a * stands for the first label alone" : `expected ${PERMITTED_PEER_FORM}`;
  throw refusal(text, why);
}

/** Writes what `parsePermittedPeer` reads. */
export function formatPermittedPeer(peer: PermittedPeer): string {
  return peer.by === "name" ? peer.name : `${peer.hash}:${peer.digits.replace(/..(?=.)/g, "$&:")}`;
}

/** Why a peer with this certificate may not send, `undefined` where it may. Without permitted peers, all that are authorized may. */
export function whyRefused(
  permitted: readonly PermittedPeer[],
  certificate: PeerCertificate,
  nowMs: number,
): string | undefined {
  const byFingerprint = permitted.some((peer) => peer.by === "fingerprint" && hasFingerprint(certificate, peer));
  if (nowMs > certificate.validToMs) return `its certificate expired on ${dateOf(certificate.validToMs)}`;
  if (nowMs < certificate.validFromMs) return `its certificate is good from ${dateOf(certificate.validFromMs)} on only`;
  if (byFingerprint) return undefined;
  if (!certificate.isAuthorized) return "no authority of ours has signed its certificate";
  if (permitted.length === 0) return undefined;
  const isPermitted = certificate.names.some((name) =>
    permitted.some((peer) => peer.by === "name" && nameMatches(peer.name, name)),
  );
  if (isPermitted) return undefined;
  return `its certificate is for ${certificate.names.join(", ") || "nobody"}, who is not among the permitted peers`;
}

function hasFingerprint({ sha1, sha256 }: PeerCertificate, peer: PermittedPeer & { by: "fingerprint" }): boolean {
  return peer.digits === (peer.hash === "sha-1" ? sha1 : sha256);
}

/** The day, in GMT as certificates have it. */
function dateOf(ms: number): string {
  const date = new CivilDate();
  date.setDays(Math.floor(ms / 86_400_000));
  return `${date.year}-${twoDigits(date.month)}-${twoDigits(date.day)}`;
}

function twoDigits(value: number): string {
  return `${value}`.padStart(2, "0");
}

function refusal(text: string, why: string): Fault {
  return new Fault("usage", "peer", `cannot read permitted peer ${JSON.stringify(text)}: ${why}`);
}
