import { hostname } from "node:os";
import { Fault } from "../../lib/base/fault.ts";
import type { Call } from "../../lib/cli/call.ts";
import { readTextFile } from "../../lib/run/text-file.ts";
import { confHost } from "../../lib/syslogd/io/conf-host.ts";
import { importSyslogConf } from "../../lib/syslogd/syslog-conf-import.ts";
import { printImported } from "./printed-import.ts";

/** Prints the rules of a syslog.conf as [[syslogd.rule]]; what has no equivalent is told with its line. */
export async function printSyslogConf(
  file: string,
  call: Pick<Call<never>, "json" | "printJson" | "log" | "out">,
): Promise<number> {
  const imported = importSyslogConf(await readTextFile(file, "syslog.conf"), confHost(hostname()));
  const status = await printImported(file, imported, call);
  if (imported.toml !== "") return status;
  throw new Fault("config", "no-rule", `${file === "-" ? "stdin" : file} has no rule: nothing would be logged`);
}
