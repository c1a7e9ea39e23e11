// Clients by TLS, until they have shown who they are. A client costs a session's place only when its certificate was found good: signed by an authority
// of ours, in its time. The names in it are what the rules of access ask for.

import { namesOf } from "../../base/certificate-name.ts";
import { tryCertificateRefusal } from "../../base/certificate-refusal.ts";
import type { IpAddress } from "../../base/ip-address.ts";
import { formatAddress, tryPeerAddress } from "../../base/ip-address.ts";
import type { Peer } from "../peer.ts";
import type { ClientSocket } from "./connection.ts";

/** Clients in their TLS handshake at a time: each costs a descriptor. One more sends the oldest away. */
const SHAKING_MAX = 1_024;

export interface TlsDoorUser {
  /** Who it is stands fast. */
  admit(socket: ClientSocket, peer: Peer): void;
  /** Somebody was sent away; for the operator. */
  refused(who: string, why: string): void;
}

export class TlsDoor {
  /** When they came. Oldest first. */
  readonly #shaking = new Map<ClientSocket, ReturnType<typeof setTimeout>>();

  /** @param handshakeMs who has not finished by then is sent away */
  constructor(
    private readonly handshakeMs: number,
    private readonly user: TlsDoorUser,
  ) {}

  opened(socket: ClientSocket): void {
    socket.data = undefined;
    if (this.#shaking.size >= SHAKING_MAX) this.#sendOldestAway();
    this.#shaking.set(
      socket,
      setTimeout(() => this.#refuse(socket, "it did not finish the TLS handshake"), this.handshakeMs),
    );
  }

  /** The handshake is over. What Bun calls success may have an error beside it, and then is none: `authorized` tells. */
  shaken(socket: ClientSocket, error: (Error & { code?: string }) | null): void {
    if (!this.#shaking.has(socket)) return;
    const address = tryPeerAddress(socket.remoteAddress ?? "");
    if (socket.authorized && !error && address !== undefined) {
      this.#forget(socket);
      this.user.admit(socket, { by: "tls", address, names: namesIn(socket) });
    } else this.#refuse(socket, whyRefused(error));
  }

  /** @returns whether it was one of those that shake hands still */
  closed(socket: ClientSocket): boolean {
    return this.#forget(socket);
  }

  stop(): void {
    for (const socket of [...this.#shaking.keys()]) {
      this.#forget(socket);
      socket.terminate();
    }
  }

  #sendOldestAway(): void {
    for (const socket of this.#shaking.keys()) {
      this.#forget(socket);
      socket.terminate();
      return;
    }
  }

  #refuse(socket: ClientSocket, why: string): void {
    this.#forget(socket);
    const address: IpAddress | undefined = tryPeerAddress(socket.remoteAddress ?? "");
    this.user.refused(address === undefined ? "a client by TLS" : formatAddress(address), why);
    socket.terminate();
  }

  #forget(socket: ClientSocket): boolean {
    const timer = this.#shaking.get(socket);
    clearTimeout(timer);
    return this.#shaking.delete(socket);
  }
}

/** Bun has this on its sockets, and not in its types. */
interface Certified {
  getPeerCertificate(): { readonly subjectaltname?: string; readonly subject?: { readonly CN?: unknown } } | null;
}

function namesIn(socket: ClientSocket): readonly string[] {
  const certificate = (socket as unknown as Certified).getPeerCertificate();
  const common = certificate?.subject?.CN;
  return namesOf(certificate?.subjectaltname, typeof common === "string" ? common : undefined);
}

const REASONS: Readonly<Record<string, string>> = {
  EPROTO: "it shows no certificate, or does not speak TLS",
  ECONNRESET: "it went away during the TLS handshake",
};

function whyRefused(error: (Error & { code?: string }) | null): string {
  return (
    tryCertificateRefusal(error?.code) ??
    REASONS[error?.code ?? ""] ??
    `the TLS handshake failed${error === null ? "" : `: ${error.message}`}`
  );
}
