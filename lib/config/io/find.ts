// Which file is the configuration.
import { existsSync } from "node:fs";

/** Where it lies if nobody says otherwise. */
export const DEFAULT_PATH = "/etc/spreadbox/spreadbox.toml";

/** The environment variable that names it. */
export const PATH_VARIABLE = "SPREADBOX_CONFIG";

export interface Found {
  /** The main file; the files of `conf.d` beside it are read too. */
  readonly path: string;
  /** Who named it; a file that was named has to be there. */
  readonly namedBy: "caller" | "environment" | "nobody";
  readonly exists: boolean;
}

/** `--config`, then `$SPREADBOX_CONFIG`, then `/etc/spreadbox/spreadbox.toml`. An empty name is none. */
export function findConfig(
  path: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  standard = DEFAULT_PATH,
): Found {
  const variable = env[PATH_VARIABLE];
  const namedBy = path ? "caller" : variable ? "environment" : "nobody";
  const chosen = path || variable || standard;
  return { path: chosen, namedBy, exists: existsSync(chosen) };
}
