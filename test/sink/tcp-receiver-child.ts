// Appends all that comes over TCP to a file, until it is killed. Says "ready" on stdout.
import { appendFileSync } from "node:fs";

const [port, path] = process.argv.slice(2);
Bun.listen({
  hostname: "127.0.0.1",
  port: Number(port),
  socket: { data: (_, bytes) => appendFileSync(path!, bytes), error: () => {} },
});
process.stdout.write("ready\n");
