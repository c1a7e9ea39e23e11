// Certificates made by openssl, in a directory that goes with the scope: `using made = new Certificates()`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "./temporary.ts";

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export class Certificates implements Disposable {
  readonly #scratch = temporaryDirectory();

  /** Path of a file of these: "NAME.crt", "NAME.key". */
  file(name: string): string {
    return join(this.#scratch.path, name);
  }

  read(name: string): Buffer {
    return readFileSync(this.file(name));
  }

  /** One that vouches for others; or, as a certificate, for itself. */
  authority(name: string): void {
    const out = ["-keyout", this.file(`${name}.key`), "-out", this.file(`${name}.crt`)];
    openssl("req", "-x509", ...NEW_KEY, ...out, "-subj", `/CN=${name}`, "-days", "30");
  }

  /** @param name of the files  @param host the name it is for  @param days negative: it has expired */
  certificate(name: string, by: string, { name: host, days = 30 }: { name: string; days?: number }): void {
    const subject = ["-subj", `/CN=cn of ${name}`, "-addext", `subjectAltName=DNS:${host}`];
    const request = this.file(`${name}.csr`);
    openssl("req", ...NEW_KEY, "-keyout", this.file(`${name}.key`), "-out", request, ...subject);
    const signer = ["-CA", this.file(`${by}.crt`), "-CAkey", this.file(`${by}.key`), "-CAcreateserial"];
    const how = ["-copy_extensions", "copy", "-days", `${days}`];
    openssl("x509", "-req", "-in", request, ...signer, ...how, "-out", this.file(`${name}.crt`));
  }

  [Symbol.dispose](): void {
    this.#scratch[Symbol.dispose]();
  }
}

function openssl(...args: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args]);
  if (exitCode !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}
