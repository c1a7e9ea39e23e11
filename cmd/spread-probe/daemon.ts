// Which daemon a command of the probe talks to: its flags first, then the config's [spread] table.

import type { Call } from "../../lib/cli/call.ts";
import type { Flag } from "../../lib/cli/command.ts";
import type { SessionOptions } from "../../lib/spread/index.ts";
import { parsePrivateName } from "../../lib/spread/names.ts";
import { parseServer, type Server } from "../../lib/spread/server.ts";
import { sessionOptionsOf, spreadTable } from "../../lib/spread/table.ts";
import { configurationFor } from "../configuration.ts";

export const DAEMON_FLAGS = {
  spread: {
    type: "list",
    short: "s",
    hint: "DAEMON",
    about: 'the daemon: "4803@host", "unix:/path", "4803" (/tmp/4803); several in order of preference',
    read: parseServer,
  },
} as const satisfies Record<string, Flag>;

/** As the name that the daemon is to know us by; unless given it invents one. */
export const NAME_FLAG = {
  type: "value",
  hint: "NAME",
  about: "what we are called on the daemon; unless given it invents a name",
  read: parsePrivateName,
} as const satisfies Flag;

/** A session's options by config and flags. @param named the daemons that the command line names, none: those of the config */
export function daemonOptions(call: Pick<Call<Record<never, never>>, "configPath" | "env">, named: readonly Server[]) {
  const table = configurationFor(call, [spreadTable]).table(spreadTable);
  return { ...sessionOptionsOf(table), servers: named.length > 0 ? named : table.servers } satisfies SessionOptions;
}
