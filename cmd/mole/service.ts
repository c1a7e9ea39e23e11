// The mole that is asked: where its control socket is, and how long it may take.
import { parseDuration } from "../../lib/base/duration.ts";
import type { Call } from "../../lib/cli/call.ts";
import type { Flag } from "../../lib/cli/command.ts";
import { CONTROL_PATH, moleTable } from "../../lib/mole/table.ts";
import { type AskedService, askService, type ControlFlag, controlFlag } from "../control-commands.ts";

const SERVICE: AskedService = {
  name: "mole",
  usualPath: CONTROL_PATH,
  configuredPath: (config) => config.table(moleTable).control,
};

export const CONTROL_FLAG = controlFlag(SERVICE);

export const TIMEOUT_FLAG = {
  timeout: {
    type: "value",
    short: "t",
    hint: "DURATION",
    about: "wait so long until it is done; it goes on all the same",
    read: parseDuration,
    default: "30s",
  },
} as const satisfies Record<string, Flag>;

type Asking = Pick<Call<ControlFlag>, "flags" | "configPath" | "env">;

/** Asks the mole of this host. @throws {Fault} */
export async function askMole(
  word: string,
  call: Asking,
  given: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  return await askService(SERVICE, word, call, given);
}
