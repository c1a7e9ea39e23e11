import type { Call } from "../../lib/cli/call.ts";
import { importSpreadlogdConf } from "../../lib/logcat/spreadlogd-import.ts";
import { readTextFile } from "../../lib/run/text-file.ts";
import { printImported } from "./printed-import.ts";

/** Prints a spreadlogd.conf as [[logcat.write]]; what has no equivalent is told with its line. */
export async function printSpreadlogdConf(
  file: string,
  call: Pick<Call<never>, "json" | "printJson" | "log" | "out">,
): Promise<number> {
  return await printImported(file, importSpreadlogdConf(await readTextFile(file, "spreadlogd.conf")), call);
}
