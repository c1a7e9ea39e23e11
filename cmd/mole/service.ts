// The mole that is asked: where its control socket is, and how long it may take.
import { parseDuration } from "../../lib/base/duration.ts";
import type { Flag } from "../../lib/cli/command.ts";
import { PATIENCE_MS } from "../../lib/control/io/client.ts";
import { CONTROL_PATH, moleTable } from "../../lib/mole/table.ts";
import { type AskedService, type Asking, askService, controlFlag } from "../control-commands.ts";

const SERVICE: AskedService = {
  name: "mole",
  usualPath: CONTROL_PATH,
  uses: [moleTable],
  configuredPath: (config) => config.table(moleTable).control,
};

export const CONTROL_FLAG = controlFlag(SERVICE);

export const TIMEOUT_FLAG = {
  timeout: {
    type: "value",
    short: "t",
    hint: "DURATION",
    about: "wait so long until it is done; then it goes on all the same, and the status is 75",
    read: parseDuration,
    default: "30s",
  },
} as const satisfies Record<string, Flag>;

/** Asks the mole of this host. @param patienceMs how long it may take by itself, besides what any answer takes. @throws {Fault} */
export async function askMole(
  word: string,
  call: Asking,
  given: Readonly<Record<string, unknown>> = {},
  patienceMs = 0,
): Promise<unknown> {
  return await askService(SERVICE, word, call, given, PATIENCE_MS + patienceMs);
}
