// The files of one end of TLS, read and checked: whether they are what they should be, belong together, and are in their time.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { Fault } from "../base/fault.ts";
import { reasonOf } from "../base/system-reason.ts";

/** Where they are. All in PEM form. */
export interface CertificatePaths {
  /** Our certificate, with its chain. */
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Who vouches for the other end. */
  readonly authoritiesPath: string | undefined;
}

export interface CertificateFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
  /** When our own certificate ends. */
  readonly validToMs: number;
}

/** @throws {Fault} kind "config": which file, what was found, what to do */
export function readCertificateFiles(tls: CertificatePaths): CertificateFiles {
  const cert = read(tls.certificatePath, "certificate");
  const key = read(tls.keyPath, "key");
  const ca = tls.authoritiesPath === undefined ? undefined : readAuthorities(tls.authoritiesPath);
  const own = tried(tls.certificatePath, "certificate", "a certificate in PEM form", () => new X509Certificate(cert));
  const privateKey = tried(tls.keyPath, "key", "a private key in PEM form, without a passphrase", () =>
    createPrivateKey(key),
  );
  if (!own.checkPrivateKey(privateKey)) {
    const found = `cannot use ${tls.keyPath}: it is not the key of the certificate in ${tls.certificatePath}`;
    throw new Fault("config", "key", found);
  }
  return { cert, key, ca, validToMs: Date.parse(own.validTo) };
}

/** Who vouches for the other end, alone. @throws {Fault} as `readCertificateFiles` */
export function readAuthorities(path: string): Buffer {
  const ca = read(path, "authorities");
  const form = "certificates in PEM form";
  tried(path, "authorities", form, () => createSecureContext({ ca }));
  // OpenSSL reads what it can use, and is content with nothing: then nobody would be trusted
  if (!/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(ca.toString("latin1")))
    throw new Fault("config", "authorities", `cannot use ${path}: expected ${form}, and there is none in it`);
  return ca;
}

function read(path: string, code: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Fault("config", code, `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function tried<T>(path: string, code: string, form: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw new Fault("config", code, `cannot use ${path}: expected ${form} (${reasonOf(error)})`, { cause: error });
  }
}
