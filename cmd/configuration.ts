// The one config file, as a command reads it. A host's services share the file, and a slip in the table of one must not stop the others: a command refuses
// mistakes in the tables that it uses, and tells of the rest. So does --check, which says whether a service would start, or be restarted. `config check` and its like look
// at the file for all: they call `loadConfig` without `uses`.
import type { Log } from "../lib/base/log.ts";
import type { TableSpec } from "../lib/base/table.ts";
import type { Config } from "../lib/config/config.ts";
import { loadConfig } from "../lib/config/io/load.ts";
import { tables } from "./tables.ts";

/** Where a command finds its configuration. */
interface Located {
  readonly configPath: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The configuration, for a command that reads the tables `uses`.
 * @throws {Fault} as `loadConfig`, where one of these has a mistake or the text can't be read
 */
export function configurationFor({ configPath, env }: Located, uses: readonly TableSpec[]): Config {
  return loadConfig({ tables, uses, path: configPath, env });
}

/** As `configurationFor`, with a warning where a table of others has a mistake. */
export function configurationOf(call: Located & { readonly log: Log }, uses: readonly TableSpec[]): Config {
  const config = configurationFor(call, uses);
  for (const text of describeWrongElsewhere(config)) call.log.warn(text);
  return config;
}

/** What is wrong in tables that are not used: one line, or none. */
export function describeWrongElsewhere({ wrongElsewhere: [first, ...more] }: Config): readonly string[] {
  if (first === undefined) return [];
  const others = more.length === 0 ? "" : `; and ${more.length} more, which spreadbox config check tells`;
  return [`${first.message} (not read here, so it goes on)${others}`];
}
