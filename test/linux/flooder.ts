// Sends COUNT datagrams, each its own number, to the unix datagram socket PATH as fast as it takes them: a program of its own, for the tests.
import { openUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { libc } from "../../lib/linux/libc.ts";
import { unixAddress } from "../../lib/linux/socket-address.ts";
import { checked } from "../../lib/linux/system-error.ts";

const [path, count] = process.argv.slice(2);
const F_SETFL = 4;
using socket = openUnixDatagram();
checked(libc().fcntl(socket.fd, F_SETFL, 0), "make the socket wait");
const address = unixAddress(path!);
checked(libc().connect(socket.fd, address, address.length), "connect");
const encoder = new TextEncoder();
for (let at = 0; at < Number(count); at++) {
  const bytes = encoder.encode(String(at));
  checked(Number(libc().sendto(socket.fd, bytes, bytes.length, 0, null, 0)), "send");
}
