import type { Call } from "../../lib/cli/call.ts";
import { readSyslogConfFile } from "../../lib/syslogd/io/syslog-conf-file.ts";
import { importSyslogConf } from "../../lib/syslogd/syslog-conf-import.ts";

/** Prints the rules of a syslog.conf as [[syslogd.rule]]; what has no equivalent is told with its line. */
export async function printSyslogConf(
  file: string,
  { json, printJson, log, out }: Pick<Call<never>, "json" | "printJson" | "log" | "out">,
): Promise<number> {
  const { toml, notes } = importSyslogConf(await readSyslogConfFile(file));
  const name = file === "-" ? "stdin" : file;
  if (json) {
    await printJson({ toml, notes: notes.map(({ line, message }) => `${name}:${line}: ${message}`) });
    return 0;
  }
  for (const { line, message } of notes) log.warn(`${name}:${line}: ${message}`);
  await out.write(toml);
  return 0;
}
