// Appends records to a spool until it is killed. Says on stdout, a line each, how many are on disk.
import { Rig } from "./spool-rig.ts";

const rig = new Rig(process.argv[2]!, { bytesMax: 64 << 20, pendingBytesMax: 64 << 20 });
let number = 0;

function append(): void {
  for (let count = 0; count < 100; count++) rig.append(number++, `record ${number} ${"x".repeat(number % 500)}`);
  process.stdout.write(`${number - rig.spool.unwritten}\n`);
  setImmediate(append);
}

append();
