import type { VersionFacts } from "../lib/cli/call.ts";
import packageFacts from "../package.json" with { type: "json" };

// `scripts/build` defines these; run from source they are missing.
declare const SPREADBOX_COMMIT: string | undefined;
declare const SPREADBOX_TARGET: string | undefined;

/** What `--version` tells. */
export const version: VersionFacts = {
  version: packageFacts.version,
  commit: typeof SPREADBOX_COMMIT === "string" ? SPREADBOX_COMMIT : "unknown",
  target: typeof SPREADBOX_TARGET === "string" ? SPREADBOX_TARGET : `${process.platform}-${process.arch} from source`,
  runtime: `bun ${Bun.version}`,
};
