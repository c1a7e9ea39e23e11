// Which file is the configuration.
import { existsSync } from "node:fs";

/** Where it lies if nobody says otherwise. */
export const DEFAULT_PATH = "/etc/spreadbox/spreadbox.toml";

/** The environment variable that names it. */
export const PATH_VARIABLE = "SPREADBOX_CONFIG";

export interface Found {
  /** The main file; the files of `conf.d` beside it are read too. */
  readonly path: string;
  /** Somebody named it, so it has to be there: "--config", or "$SPREADBOX_CONFIG". `undefined` for the default. */
  readonly namedBy: string | undefined;
  readonly exists: boolean;
}

/** `--config`, then `$SPREADBOX_CONFIG`, then `/etc/spreadbox/spreadbox.toml`. An empty name is none. */
export function findConfig(
  path: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  standard = DEFAULT_PATH,
): Found {
  const named = path || env[PATH_VARIABLE];
  const namedBy = path ? "--config" : named ? `$${PATH_VARIABLE}` : undefined;
  const chosen = named || standard;
  return { path: chosen, namedBy, exists: existsSync(chosen) };
}
