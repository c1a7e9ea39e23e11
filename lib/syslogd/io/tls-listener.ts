// Takes connections over TLS (RFC 5425), from peers that their certificates permit.
//
// A connection can't be handed to another process, since its keys are in the library's memory. Before a restart, and at the end, clients are asked to end theirs:
// close_notify ends our direction alone, what they have sent is read until they have ended theirs. The listening socket is handed over, so that who connects again waits
// in the kernel's queue and is not refused.
//
// Where authorities or permitted peers are named, a client has to show a certificate, and none of its bytes is read before it was found good. Without either,
// TLS only keeps others from listening in. A client that is turned away is told to the operator with the reason; so is our own certificate, before it ends.
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { namesOf } from "../../base/certificate-name.ts";
import { tryCertificateRefusal } from "../../base/certificate-refusal.ts";
import { Fault } from "../../base/fault.ts";
import { formatAddress, networkContains, tryPeerAddress } from "../../base/ip-address.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { duplicate } from "../../linux/exec.ts";
import { type CertificateFiles, readCertificateFiles } from "../../run/certificate-files.ts";
import { type PeerCertificate, whyRefused } from "../../sink/permitted-peer.ts";
import { origin } from "../../syslog/record.ts";
import type { TlsSettings } from "../listener.ts";
import type { Conversation, Reception } from "./reception.ts";
import type { StreamSource } from "./stream-listener.ts";

/** A client that connects and does not shake hands keeps no place. */
const HANDSHAKE_MS = 10_000;
/** Who was asked to end its connection, and says nothing for so long, has no more. */
const SILENT_MS = 500;
const LOOK_EVERY_MS = 5;
/** How often our own certificate is looked at, and how long before its end it is told. */
const TELL_EVERY_MS = 43_200_000;
const TELL_BEFORE_MS = 14 * 86_400_000;

export interface TlsSource extends StreamSource {
  /**
   * Takes no more connections, and has those that there are end in order: nothing is lost of clients that heed that. Those that go on sending are broken off, and told.
   * @param goesOn   another process listens on: the listening socket stays open, as `fd`
   * @param withinMs clients may send for so long what they have begun
   */
  drain(goesOn: boolean, withinMs: number): Promise<void>;
  /** Reads the certificates anew, for connections from now on. Where they are bad, the old ones stay. @returns whether they are others @throws {Fault} what is bad */
  reload(): boolean;
  /** What is wrong with the time of our own certificate. */
  readonly worry: string | undefined;
}

export interface TlsPlace {
  readonly hostname: string;
  readonly port: number;
  readonly isIpv6Only: boolean;
  readonly tls: TlsSettings;
  /** Bound and listening already, by another process. */
  readonly fd?: number | undefined;
}

/** @throws {Fault} where the files are bad, or the address cannot be had */
export async function listenForTls(place: TlsPlace, reception: Reception): Promise<TlsSource> {
  const server = new TlsServer(place, reception);
  await server.listen();
  return server;
}

class TlsServer implements TlsSource {
  readonly name: string;
  readonly #server: Server;
  readonly #clients = new Map<TLSSocket, Conversation>();
  /** Connections, with those that have not shaken hands yet: they take up room as well. */
  #accepted = 0;
  readonly #looking: ReturnType<typeof setInterval>;
  #files: CertificateFiles;
  /** Clients are asked to end what they have begun. */
  #isDraining = false;
  #keptFd = -1;

  constructor(
    private readonly place: TlsPlace,
    readonly reception: Reception,
  ) {
    this.name = reception.options.name;
    this.#files = readCertificateFiles(place.tls);
    this.#server = createServer(
      {
        ...contextOf(this.#files),
        minVersion: "TLSv1.2",
        handshakeTimeout: HANDSHAKE_MS,
        allowHalfOpen: true, // so that we can have ended, and read on
        requestCert: wantsCertificates(place.tls),
        // Always said: an environment variable would change the default. Where a fingerprint is permitted, it is we who judge, since nobody else need
        // have signed that certificate.
        rejectUnauthorized: wantsCertificates(place.tls) && !place.tls.peers.some((peer) => peer.by === "fingerprint"),
      },
      (socket) => this.#admit(socket),
    );
    this.#server.on("connection", (socket: Socket) => this.#accept(socket));
    this.#server.on("tlsClientError", (error: Error, socket: TLSSocket) => this.#handshakeFailed(error, socket));
    this.#looking = setInterval(() => this.#look(), TELL_EVERY_MS);
    this.#looking.unref();
  }

  listen(): Promise<void> {
    const { hostname, port, isIpv6Only: ipv6Only, fd } = this.place;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error: Error & { code?: string }) => {
        clearInterval(this.#looking);
        const advice = error.code === "EADDRINUSE" ? "; another process listens there (ss -l shows which)" : "";
        const found = `cannot listen on ${this.name}: ${reasonOf(error)}${advice}`;
        reject(
          new Fault(error.code === "EACCES" ? "no-permission" : "os", error.code ?? "unknown", found, { cause: error }),
        );
      });
      this.#server.listen(fd === undefined ? { host: hostname, port, ipv6Only } : { fd }, () => {
        this.#look();
        resolve();
      });
    });
  }

  reload(): boolean {
    const files = readCertificateFiles(this.place.tls);
    if (areSame(files, this.#files)) return false;
    this.#server.setSecureContext(contextOf(files));
    this.#files = files;
    this.#look();
    return true;
  }

  get worry(): string | undefined {
    const leftMs = this.#files.validToMs - this.reception.options.clock.wallMs();
    const end = new Date(this.#files.validToMs).toISOString().slice(0, 10);
    const which = `${this.name}: our certificate ${this.place.tls.certificatePath}`;
    if (leftMs < 0) return `${which} expired on ${end}: clients that check it will not send`;
    return leftMs < TELL_BEFORE_MS ? `${which} expires on ${end}` : undefined;
  }

  get fd(): number {
    return this.#keptFd;
  }

  async drain(goesOn: boolean, withinMs: number): Promise<void> {
    this.#isDraining = true;
    const fd = listeningDescriptor(this.#server);
    if (goesOn && fd >= 0) this.#keptFd = duplicate(fd); // the library closes its own
    this.stop();
    for (const client of this.#clients.keys()) client.end();
    if (await this.#areSilent(withinMs)) return this.endConnections();
    const left = this.#clients.size;
    const which = left === 1 ? "1 connection was" : `${left} connections were`;
    const told = `${which} asked to end, went on sending, and had to be broken off: what came last is lost`;
    this.reception.options.say("warning", `${this.name}: ${told}`);
    this.endConnections();
  }

  pause(): void {
    for (const client of this.#clients.keys()) client.pause();
  }

  /** The keys of a session can't be passed on. */
  connections(): readonly [] {
    return [];
  }

  stop(): void {
    clearInterval(this.#looking);
    this.#server.close();
  }

  endConnections(): void {
    for (const [client, conversation] of this.#clients) {
      conversation.end();
      client.destroy();
    }
  }

  /** Before the handshake: nobody whom we would turn away has us do its arithmetic. */
  #accept(socket: Socket): void {
    const { reception } = this;
    const { connectionsMax } = reception.options;
    const isAllowed = this.#isAllowed(socket.remoteAddress);
    if (isAllowed && this.#accepted < connectionsMax) {
      this.#accepted += 1;
      socket.once("close", () => {
        this.#accepted -= 1;
      });
      return;
    }
    const why = isAllowed ? `there are ${this.#accepted} connections, as many as may be` : NOT_ALLOWED;
    reception.refuse(peerText(socket), why);
    socket.destroy();
  }

  #admit(socket: TLSSocket): void {
    const { reception } = this;
    const refusal = this.#whyRefused(socket);
    const peer = peerText(socket);
    if (refusal !== undefined) {
      reception.refuse(peer, refusal);
      return void socket.destroy();
    }
    const conversation = reception.open(origin("tls", peer, peer));
    this.#clients.set(socket, conversation);
    reception.options.gate.add(socket);
    socket.setKeepAlive(true, 60_000);
    socket.on("data", (chunk: Buffer) => {
      if (!conversation.take(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))) socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.end());
    if (this.#isDraining) socket.end();
    socket.on("close", () => {
      this.#clients.delete(socket);
      reception.options.gate.delete(socket);
      conversation.end();
    });
  }

  /** Whether all have ended, or are silent, those that have not shaken hands too; false where it takes too long. */
  async #areSilent(withinMs: number): Promise<boolean> {
    const { reception } = this;
    const deadlineMs = performance.now() + withinMs;
    let heardMs = performance.now();
    let received = reception.receivedBytes;
    while (this.#clients.size > 0 || this.#accepted > 0) {
      const nowMs = performance.now();
      // While a slow file has all of them wait, they are not silent: we are deaf.
      if (reception.receivedBytes !== received || reception.options.gate.isClosed) heardMs = nowMs;
      received = reception.receivedBytes;
      if (nowMs - heardMs > SILENT_MS) return true;
      if (nowMs > deadlineMs) return false;
      await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
    }
    return true;
  }

  #whyRefused(socket: TLSSocket): string | undefined {
    const { reception, place } = this;
    if (!this.#isAllowed(socket.remoteAddress)) return NOT_ALLOWED;
    if (!wantsCertificates(place.tls)) return undefined;
    const certificate = certificateOf(socket);
    if (certificate === undefined) return "it has no certificate";
    return whyRefused(place.tls.peers, certificate, reception.options.clock.wallMs());
  }

  #handshakeFailed(error: Error & { code?: string }, socket: TLSSocket): void {
    const who = peerText(socket);
    socket.destroy();
    if (socket.remoteAddress === undefined || !this.#isAllowed(socket.remoteAddress)) return; // it has gone, or was told already
    this.reception.refuse(
      who,
      tryCertificateRefusal(error.code) ?? REASONS[error.code ?? ""] ?? `the TLS handshake failed: ${error.message}`,
    );
  }

  #isAllowed(remote: string | undefined): boolean {
    const { allow } = this.reception.options;
    if (allow.length === 0) return true;
    const address = tryPeerAddress(remote ?? "");
    return address !== undefined && allow.some((network) => networkContains(network, address));
  }

  /** Tells when our own certificate has ended, or is about to. */
  #look(): void {
    const { worry } = this;
    if (worry !== undefined) this.reception.options.say("warning", worry);
  }
}

const NOT_ALLOWED = "it is in none of the networks that are allowed";

const REASONS: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "it has no certificate",
  ERR_SSL_HTTP_REQUEST: "it speaks HTTP, not TLS",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS",
  ERR_TLS_HANDSHAKE_TIMEOUT: "it did not finish the TLS handshake",
};

/** -1 where it has none. */
function listeningDescriptor(server: Server): number {
  const { _handle: handle } = server as Server & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}

function wantsCertificates(tls: TlsSettings): boolean {
  return tls.authoritiesPath !== undefined || tls.peers.length > 0;
}

function areSame(one: CertificateFiles, other: CertificateFiles): boolean {
  const texts = [one, other].map(({ cert, key, ca }) => [cert, key, ca ?? ""].map(String).join("\0"));
  return texts[0] === texts[1];
}

function contextOf({ cert, key, ca }: CertificateFiles) {
  return { cert, key, ...(ca === undefined ? {} : { ca }) };
}

function peerText(socket: Socket): string {
  const address = tryPeerAddress(socket.remoteAddress ?? "");
  return address === undefined ? "a client that has gone" : formatAddress(address);
}

/** `undefined` where the peer showed none. */
function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  const shown = socket.getPeerCertificate();
  if (!shown?.fingerprint256) return undefined;
  const commonName: unknown = shown.subject?.CN;
  return {
    isAuthorized: socket.authorized,
    names: namesOf(shown.subjectaltname, typeof commonName === "string" ? commonName : undefined),
    sha1: shown.fingerprint.replaceAll(":", ""),
    sha256: shown.fingerprint256.replaceAll(":", ""),
    validFromMs: Date.parse(shown.valid_from),
    validToMs: Date.parse(shown.valid_to),
  };
}
