// Opens the sources that the settings ask for, and says what they are.
import { lstatSync, readlinkSync, renameSync } from "node:fs";
import { resolve } from "node:path";
import { adoptUnixDatagram, type DatagramSocket, listenUdp, listenUnixDatagram } from "../../linux/datagram-socket.ts";
import { passedSockets } from "../../linux/service-manager.ts";
import type { Clock } from "../../run/clock.ts";
import { DEFAULT_RULES, LOCAL_RULES } from "../../syslog/parse-rules.ts";
import type { ZoneOffset } from "../../syslog/zone.ts";
import { formatListenAddress } from "../listen-address.ts";
import type { Settings } from "../settings.ts";
import { chooseSockets, DEV_LOG, hearsJournal, ownsDevLog, type SocketChoice } from "../socket-choice.ts";
import { DatagramSource, type Intake } from "./datagram-source.ts";
import { KernelSource } from "./kernel-source.ts";

/** Room for a burst: with the system's 208 KiB a pause of a millisecond loses messages at 100,000 a second. */
const UDP_BUFFER_BYTES = 4 * 1024 * 1024;

export interface SourceContext {
  readonly host: string;
  readonly zone: ZoneOffset;
  readonly clock: Clock;
  readonly intake: Intake;
  readonly env: Record<string, string | undefined>;
  readonly say: (severity: "warning" | "notice", text: string) => void;
}

/** All open sources. Disposing takes what still waits in them, then closes them. */
export interface Sources extends Disposable {
  /** What we listen on, each as an operator would write it. */
  readonly names: readonly string[];
  readonly datagrams: readonly DatagramSource[];
  /** What we say on stderr comes back as a message. */
  readonly echoesStderr: boolean;
}

/** @throws {SystemError | Fault} where a socket that was asked for cannot be had; those opened before are closed again */
export function openSources(settings: Settings, context: SourceContext): Sources {
  const names: string[] = [];
  const datagrams: DatagramSource[] = [];
  const opened = new DisposableStack();
  let choices: readonly SocketChoice[] = [];
  try {
    choices = chooseSockets(socketFacts(settings, context.env));
    for (const choice of choices)
      add("unix", "take" in choice ? `descriptor ${choice.take}` : choice.path, openUnix(choice));
    for (const at of settings.udp)
      add("udp", `udp ${formatListenAddress(at)}`, listenUdp(at.address, at.port, UDP_BUFFER_BYTES));
    const wantsKernel = settings.kernel === "yes" || (settings.kernel === "auto" && ownsDevLog(choices));
    if (wantsKernel && openKernel(opened, context)) names.push("/dev/kmsg");
  } catch (error) {
    opened.dispose();
    throw error;
  }
  return {
    names,
    datagrams,
    echoesStderr: context.env["JOURNAL_STREAM"] !== undefined && hearsJournal(choices),
    [Symbol.dispose]() {
      for (const source of datagrams) drain(source);
      opened.dispose();
    },
  };

  function add(via: "unix" | "udp", name: string, socket: DatagramSocket): void {
    const { clock, intake, host, zone } = context;
    const rules = { ...(via === "unix" ? LOCAL_RULES : DEFAULT_RULES), zone };
    const source = opened.use(new DatagramSource(via, socket, rules, clock, intake, host));
    datagrams.push(source);
    names.push(name);
    for (const shortcoming of socket.shortcomings) context.say("warning", `${name}: ${shortcoming}`);
  }
}

/** At the end: what senders got rid of before we close is taken, but no flood keeps us from closing. */
function drain(source: DatagramSource): void {
  for (let batch = 0; batch < 64 && source.readOnce() === source.readMax; batch++);
  source.turnEnded();
}

function socketFacts(settings: Settings, env: SourceContext["env"]) {
  const passed = settings.sockets.length > 0 ? [] : passedSockets(env);
  return {
    asked: settings.sockets,
    passed: passed.filter((socket) => socket.type === "unix-datagram").map((socket) => socket.fd),
    devLogLink: linkAt(DEV_LOG),
    takeDevLog: settings.takeDevLog,
  };
}

function linkAt(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isSymbolicLink() ? resolve("/dev", readlinkSync(path)) : undefined;
}

function openUnix(choice: SocketChoice): DatagramSocket {
  if ("take" in choice) return adoptUnixDatagram(choice.take);
  if (!choice.replacesLink) return listenUnixDatagram(choice.path);
  // Made beside it and put over the link in one step: there is no moment in which a program that logs finds nothing.
  const beside = `${choice.path}.spreadbox`;
  const socket = listenUnixDatagram(beside, choice.path);
  renameSync(beside, choice.path);
  return socket;
}

function openKernel(opened: DisposableStack, { host, zone, clock, intake, say }: SourceContext): boolean {
  try {
    opened.use(
      new KernelSource({
        host,
        rules: { ...LOCAL_RULES, zone },
        clock,
        intake,
        onMissed: (count) => say("warning", `/dev/kmsg: ${count} of the kernel's messages were overwritten unread`),
        onEnd: (error) => say("warning", `/dev/kmsg: cannot be read any more: ${reasonOf(error)}`),
      }),
    );
    return true;
  } catch (error) {
    say("warning", `/dev/kmsg: the kernel's messages are left out: ${reasonOf(error)}`);
    return false;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
