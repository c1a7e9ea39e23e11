import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/** Makes a directory for its owner alone, unless it is there. Those above it are for all: other services, as other users, may have theirs beside it. @throws where it can't be made */
export function makePrivateDirectory(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  mkdirSync(path, { recursive: true, mode: 0o700 });
}
