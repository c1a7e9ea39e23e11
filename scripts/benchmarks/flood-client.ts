// One of our clients in a flood over a ring, a process of its own: `writer COUNT BYTES` sends as fast as its daemon takes it, `reader COUNT` counts. Says
// "ready" when it is in the group, and "done" when all was sent or read.
import { connect } from "../../lib/spread/index.ts";

const GROUP = "flood";
const [role, count = "0", bytes = "0"] = process.argv.slice(2);
const total = Number(count);
const done = Promise.withResolvers<void>();
let read = 0;

await using session = await connect({
  name: `${role}${process.pid % 10_000}`,
  onFrame(frame) {
    if (frame.kind === "view") process.stdout.write("ready\n");
    else if (frame.kind === "message" && ++read === total) done.resolve();
  },
});
if (role === "reader") {
  await session.join(GROUP);
  await done.promise;
} else {
  const body = new Uint8Array(Number(bytes)).fill(120);
  for (let sent = 0; sent < total; sent++) {
    const taken = session.multicast(GROUP, body);
    if (sent % 64 === 63) await taken;
  }
}
process.stdout.write("done\n");
