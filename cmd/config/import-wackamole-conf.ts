import type { Call } from "../../lib/cli/call.ts";
import { hostFacts } from "../../lib/mole/io/setup.ts";
import { importWackamole } from "../../lib/mole/wackamole-import.ts";
import { readTextFile } from "../../lib/run/text-file.ts";
import { printImported } from "./printed-import.ts";

/** Prints a wackamole.conf as [mole]; what has no equivalent is told with its line. */
export async function printWackamoleConf(
  file: string,
  call: Pick<Call<never>, "json" | "printJson" | "log" | "out">,
): Promise<number> {
  const text = await readTextFile(file, "wackamole.conf");
  return await printImported(file, importWackamole(text, hostFacts().hostname), call);
}
