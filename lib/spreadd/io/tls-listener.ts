// Where clients come in by TLS. Certificates are renewed under a running daemon: the listener is made anew with the new ones, sessions stay.
import type { SocketHandler, TCPSocketListener } from "bun";
import { Fault } from "../../base/fault.ts";
import { formatAddress } from "../../base/ip-address.ts";
import { formatListenAddress } from "../../base/listen-address.ts";
import type { Log } from "../../base/log.ts";
import { type CertificateFiles, readCertificateFiles } from "../../run/certificate-files.ts";
import type { Clock } from "../../run/clock.ts";
import type { SpreaddTable } from "../table.ts";
import type { Connection } from "./connection.ts";
import { codeOf, textOf } from "./system-text.ts";

export class TlsListener {
  #listeners: TCPSocketListener<Connection | undefined>[] = [];

  constructor(
    private readonly settings: NonNullable<SpreaddTable["tls"]>,
    private readonly handler: SocketHandler<Connection | undefined>,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** @returns where, as `parseServer` reads it. @throws {Fault} a file is bad, or an address cannot be had */
  listen(): readonly string[] {
    this.#open(this.#files());
    return this.settings.listen.map((place) => `tls:${formatListenAddress(place)}`);
  }

  /** @throws {Fault} a file is bad: all goes on as before */
  renew(): void {
    const files = this.#files();
    this.stop();
    this.#open(files);
  }

  stop(): void {
    for (const listener of this.#listeners) listener.stop();
    this.#listeners = [];
  }

  #files(): CertificateFiles {
    const { certificate: certificatePath, key: keyPath, authorities: authoritiesPath } = this.settings;
    const files = readCertificateFiles({ certificatePath, keyPath, authoritiesPath });
    if (files.validToMs < this.clock.wallMs())
      this.log.warn(
        `${certificatePath} expired on ${new Date(files.validToMs).toISOString().slice(0, 10)}: no client will trust it; renew it, then spreadd reload`,
      );
    return files;
  }

  #open({ cert, key, ca }: CertificateFiles): void {
    for (const place of this.settings.listen) {
      const { address, port } = place;
      try {
        this.#listeners.push(
          Bun.listen<Connection | undefined>({
            hostname: formatAddress(address),
            port,
            ...IPV6_ONLY,
            allowHalfOpen: true,
            socket: this.handler,
            // Always said: an environment variable would change the default.
            tls: { cert, key, ca: ca!, requestCert: true, rejectUnauthorized: true },
          }),
        );
      } catch (error) {
        const hint = codeOf(error) === "EADDRINUSE" ? "; is another daemon running?" : "";
        const where = formatListenAddress(place);
        throw new Fault("unavailable", codeOf(error), `cannot listen on tls:${where}: ${textOf(error)}${hint}`, {
          cause: error,
        });
      }
    }
  }
}

/** "::" is for IPv6 alone: beside it there may be "0.0.0.0". Bun takes this, and has it not in its types. */
const IPV6_ONLY = { ipv6Only: true } as object;
