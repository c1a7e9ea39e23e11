// The client's end of TLS. Our `spreadd` asks every client for a certificate, and what stands in it decides what the session may do; we ask the daemon
// for one that our authorities have signed and that is for the host we meant. The files are read for each attempt: what was renewed is used.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { tryCertificateRefusal } from "../../base/certificate-refusal.ts";
import { Fault } from "../../base/fault.ts";
import { readCertificateFiles } from "../../run/certificate-files.ts";
import { formatServer, type Server } from "../server.ts";
import { ConnectError } from "../session-error.ts";

/** Who we are by TLS, and whom we trust. Paths of files in PEM form. */
export interface TlsIdentity {
  /** Our certificate, with its chain. */
  readonly certificate: string;
  readonly key: string;
  /** Those who vouch for daemons. */
  readonly authorities: string;
  /** The name that daemons' certificates are for, where it is not the host's as written in the server. */
  readonly serverName?: string | undefined;
}

/**
 * What Bun's `connect` wants to know.
 * @throws {ConnectError} there is no identity, or its files are bad
 */
export function tlsOptions(server: Extract<Server, { by: "tls" }>, identity: TlsIdentity | undefined) {
  const name = formatServer(server);
  if (identity === undefined)
    throw new ConnectError("failed", name, "TLS needs certificate, key and authorities: [spread.tls] has them");
  try {
    const { certificate: certificatePath, key: keyPath, authorities: authoritiesPath } = identity;
    const { cert, key, ca } = readCertificateFiles({ certificatePath, keyPath, authoritiesPath });
    // Always said: an environment variable would change the default.
    return { cert, key, ca: ca!, serverName: identity.serverName ?? server.host, rejectUnauthorized: true };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new ConnectError("failed", name, error.message, { cause: error });
  }
}

/** Why a daemon's certificate is no good, by the code of the handshake's error. */
export function whyDistrusted(error: (Error & { code?: string }) | null): string {
  if (error?.message.includes("WRONG_VERSION_NUMBER"))
    return "what answers there speaks no TLS; is it the port for sessions without?";
  return (
    tryCertificateRefusal(error?.code) ??
    REASONS[error?.code ?? ""] ??
    `the TLS handshake failed: ${error?.message ?? "its certificate was not accepted"}`
  );
}

/** Why a daemon that we trust closed the connection as soon as it had seen our certificate: TLS tells clients no more. */
export function whyTurnedAway(identity: TlsIdentity | undefined): string {
  const path = identity?.certificate ?? "";
  const end = tryEnd(path);
  const isOver = end !== undefined && end.getTime() < Date.now();
  const why = isOver
    ? `, which expired on ${end.toISOString().slice(0, 10)}; renew it`
    : "; do the authorities there vouch for it? Its log says why";
  return `it closed the connection when it had seen our certificate, ${path}${why}`;
}

function tryEnd(path: string): Date | undefined {
  try {
    return new Date(new X509Certificate(readFileSync(path)).validTo);
  } catch {
    return undefined; // it was there when we showed it
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host (server_name says which name it should have)",
  ECONNRESET: "it closed the connection during the TLS handshake: does it speak TLS there?",
};
