// The unix datagram sockets of a host: what is known before the choice (socket-choice.ts), and how what was chosen is opened.
import { lstatSync, readlinkSync, renameSync } from "node:fs";
import { resolve } from "node:path";
import { adoptUnixDatagram, type DatagramSocket, listenUnixDatagram } from "../../linux/datagram-socket.ts";
import type { PassedSocket } from "../../linux/service-manager.ts";
import type { Settings } from "../settings.ts";
import { DEV_LOG, type SocketChoice, type SocketFacts } from "../socket-choice.ts";

/** What `chooseSockets` asks of the host. @param isOurs the socket at /dev/log is ours already: nothing is to be found out */
export function socketFacts(settings: Settings, passed: readonly PassedSocket[], isOurs: boolean): SocketFacts {
  return {
    asked: settings.sockets,
    passed: passed.filter((socket) => socket.type === "unix-datagram"),
    devLogLink: isOurs ? undefined : linkAt(DEV_LOG),
    takeDevLog: settings.takeDevLog,
  };
}

function linkAt(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isSymbolicLink() ? resolve("/dev", readlinkSync(path)) : undefined;
}

/** @throws {SystemError | Fault} where it can't be had */
export function openUnix(choice: SocketChoice): DatagramSocket {
  if ("take" in choice) return adoptUnixDatagram(choice.take);
  if (!choice.replacesLink) return listenUnixDatagram(choice.path);
  // Made beside it and put over the link in one step: there is no moment in which a program that logs finds nothing.
  const beside = `${choice.path}.spreadbox`;
  const socket = listenUnixDatagram(beside, choice.path);
  renameSync(beside, choice.path);
  return socket;
}

/** What a unix socket is called. */
export function unixName(choice: SocketChoice): string {
  if (!("take" in choice)) return choice.path;
  return choice.path === "" ? `descriptor ${choice.take}` : `${choice.path} (passed as descriptor ${choice.take})`;
}
