import type { Call } from "../../lib/cli/call.ts";
import { readTextFile } from "../../lib/run/text-file.ts";
import { importSyslogConf } from "../../lib/syslogd/syslog-conf-import.ts";
import { printImported } from "./printed-import.ts";

/** Prints the rules of a syslog.conf as [[syslogd.rule]]; what has no equivalent is told with its line. */
export async function printSyslogConf(
  file: string,
  call: Pick<Call<never>, "json" | "printJson" | "log" | "out">,
): Promise<number> {
  return await printImported(file, importSyslogConf(await readTextFile(file, "syslog.conf")), call);
}
