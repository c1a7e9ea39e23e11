// A client in a process of its own, for a host that is to vanish: remote-client.ts HOST PORT NAME GROUP... joins, says so, and waits.
import { parseServer } from "../../lib/spread/server.ts";
import { RawClient } from "./running-daemon.ts";

const [host, port, name, ...groups] = process.argv.slice(2);
const client = await RawClient.connect(parseServer(`tcp:${host}:${port}`), name!);
for (const group of groups) await client.join(group);
process.stdout.write("joined\n");
for (;;) await client.next(); // takes whatever comes
