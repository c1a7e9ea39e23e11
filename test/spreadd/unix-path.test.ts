import { expect, test } from "bun:test";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { clearSocketPath } from "../../lib/spreadd/io/unix-path.ts";
import { temporaryDirectory } from "../support/temporary.ts";

test("who listens at a socket's path already is told by user where that is neither root nor ours", async () => {
  if (process.geteuid?.() !== 0) return void process.stderr.write("SKIP: only root can give a socket away\n");
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "4803");
  using _listener = Bun.listen({ unix: path, socket: { data() {} } });
  await expect(clearSocketPath(path)).rejects.toThrow("somebody listens there; is spreadd running already?");
  chownSync(path, 12_345, 12_345);
  await expect(clearSocketPath(path)).rejects.toThrow(
    "a program of user 12345 listens there; end it, if it is no daemon",
  );
});
