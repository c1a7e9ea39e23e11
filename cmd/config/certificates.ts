// What `config check` looks at besides the text: the certificates that the tables of the group communication name on this host, in the words in which a start refuses them.
import { Fault } from "../../lib/base/fault.ts";
import { isForbidden } from "../../lib/base/system-reason.ts";
import type { Config } from "../../lib/config/config.ts";
import { readCertificateFiles } from "../../lib/run/certificate-files.ts";
import { spreadTable } from "../../lib/spread/table.ts";
import { spreaddTable } from "../../lib/spreadd/table.ts";

export interface CertificateCheck {
  readonly wrong: readonly Fault[];
  /** What has expired, and what this user may not look at. */
  readonly warnings: readonly string[];
}

/** @param nowMs by which it is told whether a certificate has expired */
export function checkCertificates(config: Config, nowMs: number): CertificateCheck {
  const wrong: Fault[] = [];
  const warnings: string[] = [];
  const ends = [
    { key: "spreadd.tls", tls: config.table(spreaddTable).tls, others: "client" },
    { key: "spread.tls", tls: config.table(spreadTable).tls, others: "daemon" },
  ];
  for (const { key, tls, others } of ends) {
    if (tls === undefined) continue;
    const { certificate: certificatePath, key: keyPath, authorities: authoritiesPath } = tls;
    try {
      const { validToMs } = readCertificateFiles({ certificatePath, keyPath, authoritiesPath });
      if (validToMs >= nowMs) continue;
      const day = new Date(validToMs).toISOString().slice(0, 10);
      warnings.push(`${key}: ${certificatePath} expired on ${day}: no ${others} will trust it; renew it`);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const text = `${key}: ${error.message}`;
      if (isForbidden(error.cause)) warnings.push(`${text}; ask as the user that is to read it`);
      else wrong.push(new Fault("config", error.code, text, { cause: error }));
    }
  }
  return { wrong, warnings };
}
