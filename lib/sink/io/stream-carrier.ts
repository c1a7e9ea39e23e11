// Syslog over TCP (RFC 6587) and TLS (RFC 5425). Neither has an acknowledgement of its own, so what TCP tells has to do: a shipment has arrived when the other side's
// kernel has acknowledged its last byte. What it has not acknowledged when the connection breaks is sent again. What it acknowledged just before may still have
// been unread when the other side died: that is uncertain, and counted.
//
// A receiver that ends its direction and reads on (ours does, over TLS, before a restart) gets what is on its way first; so nothing of that is sent twice.
import { connect as connectTcp, type Socket } from "node:net";
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  type DetailedPeerCertificate,
  type TLSSocket,
} from "node:tls";
import { tryCertificateRefusal } from "../../base/certificate-refusal.ts";
import { tcpProgress } from "../../linux/tcp-progress.ts";
import { setPeerTimeout } from "../../linux/tcp-timeout.ts";
import { type Carrier, formatHost } from "../carrier.ts";
import type { PeerCertificate } from "../permitted-peer.ts";
import { RecentTally } from "../recent-tally.ts";
import type { Shipment } from "../shipment.ts";

const CONNECT_MS = 10_000;
/** A peer that takes nothing for so long is gone, or as good as that. */
export const STALL_MS = 60_000;
/** How often the kernel is asked what has arrived. */
const ASK_MS = 5;
/** How long what is on its way may take when the other side has ended its direction: who has closed altogether answers with a reset at once. */
const ENDING_MS = 2_000;

export interface TlsOptions {
  /** PEM. Who vouches for servers; without it, whom the system trusts. */
  readonly authorities?: string | Uint8Array;
  /** PEM. What we show, where the server asks. */
  readonly certificate?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** Why a server may not get our records, `undefined` where it may. Without it: an authority has signed its certificate, and it is for the host we asked for. */
  readonly whyRefused?: (certificate: PeerCertificate) => string | undefined;
}

export interface StreamOptions {
  readonly host: string;
  readonly port: number;
  /** Asked for each connection: certificates may have been renewed. */
  readonly tls?: () => TlsOptions;
  readonly stallMs?: number;
}

/** A shipment on its way. */
interface Underway {
  readonly records: number;
  /** Acknowledged bytes of the connection with which it has arrived; NaN while our kernel has not taken all of it. */
  ackedBytes: number;
  readonly resolve: (missed: number) => void;
  readonly reject: (error: Error) => void;
}

export class StreamCarrier implements Carrier {
  readonly name: string;
  readonly #options: StreamOptions;
  readonly #recent = new RecentTally(1_000);
  #socket: Socket | undefined;
  #fd = -1;
  #underway: Underway[] = [];
  #askTimer: ReturnType<typeof setTimeout> | undefined;
  /** Runs from when the other side has ended its direction. */
  #endingTimer: ReturnType<typeof setTimeout> | undefined;
  #onBroken: (reason: Error) => void = () => {};

  constructor(options: StreamOptions) {
    this.#options = options;
    this.name = `${options.tls === undefined ? "tcp" : "tls"}:${formatHost(options.host)}:${options.port}`;
  }

  async open(onBroken: (reason: Error) => void, onEnding: () => void = () => {}): Promise<void> {
    const { host, port, tls, stallMs } = this.#options;
    const raw = connectTcp({ host, port, noDelay: true, allowHalfOpen: true });
    this.#socket = raw;
    const timer = setTimeout(() => raw.destroy(new Error("no connection within 10 s")), CONNECT_MS);
    try {
      await ready(raw, "connect");
      this.#fd = descriptorOf(raw);
      if (this.#fd >= 0) setPeerTimeout(this.#fd, stallMs ?? STALL_MS);
      if (tls !== undefined) this.#socket = await secured(raw, host, tls());
    } catch (error) {
      raw.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    this.#watch(this.#socket, onBroken, onEnding);
  }

  send(shipment: Shipment): Promise<number> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      if (socket === undefined || socket.destroyed) return reject(new Error("closed"));
      const underway = { records: shipment.records, ackedBytes: Number.NaN, resolve, reject };
      this.#underway.push(underway);
      socket.write(shipment.bytes.subarray(0, shipment.end), (error) => {
        if (error || socket !== this.#socket) return; // "error" or "close" says it too
        const progress = tcpProgress(this.#fd);
        underway.ackedBytes = progress === undefined ? 0 : progress.ackedBytes + progress.outstandingBytes;
        this.#ask();
      });
    });
  }

  takeUncertain(): number {
    return this.#recent.take(performance.now());
  }

  close(): void {
    this.#onBroken = () => {};
    clearTimeout(this.#endingTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    if (this.#underway.length > 0 || socket.connecting) socket.destroy();
    else socket.destroySoon();
    this.#broke(new Error("closed"));
  }

  #watch(socket: Socket, onBroken: (reason: Error) => void, onEnding: () => void): void {
    this.#onBroken = onBroken;
    const broke = (reason: Error): void => {
      if (socket === this.#socket) this.#broke(reason);
    };
    const ended = () => broke(new Error("connection closed by the other side"));
    socket.on("error", broke);
    socket.on("close", ended);
    socket.on("end", () => {
      if (socket !== this.#socket) return;
      this.#endingTimer = setTimeout(ended, ENDING_MS); // it may still read
      onEnding();
    });
    socket.resume(); // whatever it has to say
    if (socket.destroyed) ended();
  }

  #broke(reason: Error): void {
    clearTimeout(this.#askTimer);
    this.#askTimer = undefined;
    clearTimeout(this.#endingTimer);
    this.#fd = -1;
    this.#socket?.destroy();
    this.#socket = undefined;
    const underway = this.#underway;
    this.#underway = [];
    for (const { reject } of underway) reject(reason);
    this.#onBroken(reason);
  }

  /** Resolves what has arrived, and asks again while anything has not. */
  #ask(): void {
    clearTimeout(this.#askTimer);
    this.#askTimer = undefined;
    const progress = tcpProgress(this.#fd);
    let arrived = 0;
    for (const { ackedBytes } of this.#underway) {
      if (Number.isNaN(ackedBytes)) break;
      if (progress !== undefined && progress.outstandingBytes > 0 && progress.ackedBytes < ackedBytes) break;
      arrived += 1;
    }
    for (const { records, resolve } of this.#underway.splice(0, arrived)) {
      this.#recent.add(performance.now(), records);
      resolve(0);
    }
    if (this.#underway.length > 0 && !Number.isNaN(this.#underway[0]!.ackedBytes))
      this.#askTimer = setTimeout(() => this.#ask(), ASK_MS);
  }
}

/** Waits for the event; rejects where the socket ends before. */
function ready(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("connection closed by the other side")));
  });
}

async function secured(raw: Socket, host: string, tls: TlsOptions): Promise<TLSSocket> {
  const socket = connectTls({
    socket: raw,
    ...(isAddress(host) ? {} : { servername: host }),
    ...(tls.authorities && { ca: Buffer.from(tls.authorities) }),
    ...(tls.certificate && { cert: Buffer.from(tls.certificate) }),
    ...(tls.key && { key: Buffer.from(tls.key) }),
    minVersion: "TLSv1.2",
    checkServerIdentity: () => undefined,
    rejectUnauthorized: false, // judged below, so that a fingerprint can vouch for a certificate that nobody signed
    allowHalfOpen: true,
  } as ConnectionOptions); // whose types do not know allowHalfOpen
  await ready(socket, "secureConnect");
  const certificate = socket.getPeerCertificate();
  const judge = tls.whyRefused ?? ((found) => whyNotHost(host, found, certificate, socket));
  const why = judge(peerCertificate(socket.authorized, certificate));
  if (why === undefined) return socket;
  socket.destroy();
  throw new Error(`will not send to this server: ${why}`);
}

function whyNotHost(
  host: string,
  { isAuthorized, names }: PeerCertificate,
  certificate: DetailedPeerCertificate | ReturnType<TLSSocket["getPeerCertificate"]>,
  socket: TLSSocket,
): string | undefined {
  const code = String(socket.authorizationError);
  if (!isAuthorized) return tryCertificateRefusal(code) ?? `its certificate is not trusted: ${code}`;
  if (checkServerIdentity(host, certificate) === undefined) return undefined;
  return names.length === 0
    ? "its certificate names no host"
    : `its certificate is for ${names.join(", ")}, not for ${host}`;
}

function peerCertificate(
  isAuthorized: boolean,
  certificate: ReturnType<TLSSocket["getPeerCertificate"]>,
): PeerCertificate {
  const named = [...(certificate.subjectaltname ?? "").matchAll(/(?:^|, )(?:DNS|IP Address):([^,]+)/g)];
  const names = named.map((match) => match[1]!);
  const common = certificate.subject?.CN;
  return {
    isAuthorized,
    names: names.length > 0 || common === undefined ? names : [common].flat(),
    sha1: (certificate.fingerprint ?? "").replaceAll(":", ""),
    sha256: (certificate.fingerprint256 ?? "").replaceAll(":", ""),
    validFromMs: Date.parse(certificate.valid_from),
    validToMs: Date.parse(certificate.valid_to),
  };
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(":");
}

/** The descriptor below a socket, for what has no method; -1 where there is none. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}
