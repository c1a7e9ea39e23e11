// `config check` reads the certificates that [spreadd.tls] and [spread.tls] name, and tells what is wrong with them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Certificates } from "../support/certificates.ts";
import { runSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const scratch = temporaryDirectory();
const made = new Certificates();

beforeAll(() => {
  made.authority("ca");
  made.certificate("good", "ca", { name: "node1" });
  made.certificate("other", "ca", { name: "node2" });
  made.certificate("old", "ca", { name: "node1", days: -1 });
});
afterAll(() => {
  made[Symbol.dispose]();
  scratch[Symbol.dispose]();
});

async function check(table: string, certificate: string, key: string, authorities = made.file("ca.crt")) {
  const path = join(scratch.path, "c.toml");
  const listen = table === "spreadd.tls" ? 'listen = ["127.0.0.1:4804"]\n' : "";
  const files = `certificate = "${certificate}"\nkey = "${key}"\nauthorities = "${authorities}"\n`;
  writeFileSync(path, `[${table}]\n${listen}${files}`);
  return await runSpreadbox(["config", "check", path]);
}

for (const table of ["spreadd.tls", "spread.tls"]) {
  const [crt, key] = [made.file("good.crt"), made.file("good.key")];

  test(`[${table}]: what is good passes`, async () => {
    expect(await check(table, crt, key)).toMatchObject({ status: 0, stderr: "" });
  });

  test(`[${table}]: a file that is not there, and the key of another certificate, are mistakes`, async () => {
    const missing = join(scratch.path, "missing.pem");
    expect(await check(table, missing, key)).toMatchObject({
      status: 78,
      stdout: "",
      stderr: `config check: ${table}: cannot read ${missing}: no such file or directory\n`,
    });
    const foreign = made.file("other.key");
    expect(await check(table, crt, foreign)).toMatchObject({
      status: 78,
      stderr: `config check: ${table}: cannot use ${foreign}: it is not the key of the certificate in ${crt}\n`,
    });
    expect((await check(table, crt, key, key)).stderr).toContain(`${table}: cannot use ${key}: expected certificates`);
  });

  test(`[${table}]: a certificate that has expired is told, and no mistake of the configuration`, async () => {
    const { status, stderr } = await check(table, made.file("old.crt"), made.file("old.key"));
    expect(status).toBe(0);
    expect(stderr).toMatch(/old\.crt expired on \d{4}-\d\d-\d\d: no (?:client|daemon) will trust it; renew it\n$/);
  });
}
