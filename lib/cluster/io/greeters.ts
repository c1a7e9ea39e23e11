// Two ways for the checks of several hosts to talk: over corosync's own port while it is free, through a group once the ring stands.
import { connect, type Session } from "../../spread/index.ts";
import { COROSYNC_PORT } from "../corosync-conf.ts";
import { GREETING_SIZES, type GreetingSize } from "../peer-greeting.ts";

export interface Greeter extends AsyncDisposable {
  /** Over corosync's own port: what comes through tells of the network. */
  readonly isOverNetwork: boolean;
  /** To all others, as large as said. */
  say(write: (size: number) => string, size: GreetingSize): void;
}

/** @param text what came  @param from the address it came from; through a group the sender's host, as spreadd calls it */
export type Heard = (text: string, from: string) => void;

const GROUP = "spreadbox.check";

/** @param peers addresses. @throws with the system's code: EADDRINUSE where the port is taken */
export async function greetByNetwork(own: string, peers: readonly string[], heard: Heard): Promise<Greeter> {
  const socket = await Bun.udpSocket({
    hostname: own,
    port: COROSYNC_PORT,
    socket: {
      data: (_socket, bytes, _port, address) => heard(new TextDecoder().decode(bytes), address),
      error() {}, // a host that is not there yet
    },
  });
  return {
    isOverNetwork: true,
    say(write, size) {
      for (const peer of peers) {
        try {
          socket.send(write(GREETING_SIZES[size]), COROSYNC_PORT, peer);
        } catch {
          // unreachable, or too large for the way: it shows in what is not heard
        }
      }
    },
    async [Symbol.asyncDispose]() {
      socket.close();
    },
  };
}

/** @throws {ConnectError} no daemon of this host answers */
export async function greetByGroup(servers: Parameters<typeof connect>[0], heard: Heard): Promise<Greeter> {
  const session: Session = await connect({ ...servers, reconnect: false });
  await session.join(GROUP);
  void (async () => {
    for await (const event of session)
      if (event.kind === "message") heard(new TextDecoder().decode(event.body), event.sender.split("#").at(-1)!);
  })();
  return {
    isOverNetwork: false,
    say(write) {
      session.multicast(GROUP, write(0), { selfDiscard: true }).catch(() => {}); // lost: what was heard counts
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
}
