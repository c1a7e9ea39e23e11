// The daemon of this host, for clients of the Spread toolkit and ours. What it does lies in lib/spreadd; here are its flags, its signals and its end.

import { Fault } from "../lib/base/fault.ts";
import { type IpAddress, parseAddress } from "../lib/base/ip-address.ts";
import type { Log } from "../lib/base/log.ts";
import { whenAborted } from "../lib/base/when-aborted.ts";
import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { notifyServiceManager } from "../lib/linux/service-manager.ts";
import { systemClock } from "../lib/run/clock.ts";
import { beatForWatchdog } from "../lib/run/process-state.ts";
import { forgetStart } from "../lib/run/start-memory.ts";
import { parseDaemonName } from "../lib/spread/names.ts";
import { listenForControl } from "../lib/spreadd/io/control.ts";
import { reload } from "../lib/spreadd/io/reload.ts";
import { type RunningDaemon, serve } from "../lib/spreadd/io/serve.ts";
import { controlPath, type SpreaddTable, spreaddTable } from "../lib/spreadd/table.ts";
import { configurationOf } from "./configuration.ts";
import { reloadCommand } from "./spreadd/reload.ts";
import { statusCommand } from "./spreadd/status.ts";

/** It ends at once; its sockets may take a moment. */
const ENDS_WITHIN_MS = 10_000;

export const spreaddCommand: AnyCommand = defineCommand({
  name: "spreadd",
  summary: "a daemon for group communication on this host, for clients of the Spread toolkit and ours",
  about:
    "Speaks the client protocol of the Spread toolkit 5: old programs and ours connect to it as to a real Spread daemon, join groups, send to them, and " +
    "see who comes and goes. By itself it serves one host. With --engine corosync, or engine in [spreadd], the daemons of all hosts of a corosync ring are " +
    "one: groups span hosts, and everybody sees all messages in one order; `spreadbox cluster init` sets such a ring up.\n\n" +
    "Without any configuration it listens on /run/spreadbox/spread.sock, where our programs look first, on /tmp/4803, where C programs look, and on " +
    "TCP port 4803 of the loopback addresses, and lets everybody there do everything. [[spreadd.allow]] says who may connect, send to and join which " +
    "groups; a look at `spreadbox config init` shows how.\n\n" +
    "A client that does not take what it is sent makes those wait who send to it, as long as it keeps taking; one that stops is cut off when its queue " +
    "is full. Nobody else waits for it.",
  examples: [
    { line: "spreadbox spreadd", about: "as this host's daemon, by its configuration" },
    {
      line: "spreadbox spreadd --port 4810 --name test --socket /tmp/spread.sock",
      about: "beside it, to try something: spuser -s 4810",
    },
    {
      line: "spreadbox spreadd --listen 127.0.0.1 --listen 10.0.0.1",
      about: "for other hosts too: Spread knows no encryption, say in [[spreadd.allow]] who may",
    },
  ],
  flags: {
    port: {
      type: "value",
      hint: "PORT",
      about: "TCP port, and the number in /tmp/PORT; 0 for neither",
      read: parsePort,
      default: "4803",
    },
    name: {
      type: "value",
      hint: "NAME",
      about: "the daemon's name in private groups (#session#NAME), by default the short host name",
      read: parseDaemonName,
    },
    socket: { type: "value", hint: "PATH", about: "listen on this unix socket", default: "/run/spreadbox/spread.sock" },
    engine: {
      type: "value",
      hint: "ENGINE",
      about: '"local": this host by itself; "corosync": one system with the spreadd of all its hosts',
      read: parseEngine,
      default: "local",
    },
    "no-tmp-socket": { type: "switch", about: "do not listen on /tmp/PORT" },
    listen: {
      type: "list",
      hint: "ADDRESS",
      about: "listen on this address for TCP, instead of loopback",
      read: parseAddress,
    },
  },
  sections: [
    {
      title: "Many hosts",
      text:
        "Without corosync it waits, and listens when there is a ring. When corosync dies, is stopped or restarted, sessions are disconnected at once, as " +
        'by a daemon\'s death, and let in again when it is back; with outside = "hold" they stay and see their host alone, but for those in groups of the ' +
        "mole. It counts as dead when it has not sent our own messages back for `silence`. A daemon that does not answer the others for as long is left out " +
        "until it does: they ask twice within `silence`, so that is noticed within twice `silence`, whatever is sent. Each daemon needs a name of its own: a host name of more than 19 characters gets a tail, told at the start; of two with one name the " +
        "later ends with status 78.",
    },
    {
      title: "Signals",
      text:
        "SIGTERM and SIGINT end it: clients see their connection close, as when a real daemon ends, and no more. A second SIGTERM changes nothing, a second SIGINT ends it at once. " +
        "SIGHUP has it read the certificates of [spreadd.tls] and the rules, [[spreadd.allow]], anew, as spreadd reload does; sessions stay, but for those of whom no rule " +
        "says anything any more. A configuration with mistakes is refused, and the old one stays.",
    },
    {
      title: "Files",
      text: "A socket's path that nobody listens on any more is removed at the start; one where somebody listens is never touched.",
    },
  ],
  commands: [statusCommand, reloadCommand],
  endsWithinMs: ENDS_WITHIN_MS,
  async run(call) {
    const { flags, env, log, stop, version } = call;
    const load = () => withFlags(configurationOf(call, [spreaddTable]).table(spreaddTable), flags);
    const table = load();
    const failed = Promise.withResolvers<never>();
    using _watchdog = beatForWatchdog(env);
    // A ring may be long in coming, and the host's start waits for who is not ready.
    if (table.engine === "corosync") notifyServiceManager("READY=1\nSTATUS=waits for the ring", env);
    const daemon = await serve(table, {
      clock: systemClock,
      log,
      onFailed: failed.reject,
      stopped: stop,
    });
    const again = () => reload(daemon, { load, clock: systemClock, env, log });
    using _control = stop.aborted ? undefined : await controlled(daemon, table, version.version, again, log);
    if (!stop.aborted) log.notice(`daemon ${daemon.name} listens on ${daemon.listening.join(", ")}`);
    notifyServiceManager("READY=1\nSTATUS=serves", env);
    await forgetStart(); // a small process is also sooner gone: the other hosts hear of its death when the kernel is through with its memory
    const onHangUp = () => {
      try {
        again();
      } catch {
        // told already
      }
    };
    process.on("SIGHUP", onHangUp);
    try {
      await Promise.race([whenAborted(stop), failed.promise]);
    } finally {
      process.off("SIGHUP", onHangUp);
      notifyServiceManager("STOPPING=1", env);
      daemon.stop();
    }
    return 0;
  },
});

/** What operators may ask goes on beside the daemon. */
async function controlled(daemon: RunningDaemon, table: SpreaddTable, version: string, reload: () => string, log: Log) {
  const path = controlPath(table);
  if (path === "") return undefined;
  return await listenForControl(daemon, { path, engine: table.engine, version, reload, clock: systemClock, log });
}

interface Given {
  readonly port: number | undefined;
  readonly name: SpreaddTable["name"];
  readonly socket: string | undefined;
  readonly engine: SpreaddTable["engine"] | undefined;
  readonly "no-tmp-socket": boolean;
  readonly listen: readonly IpAddress[];
}

/** The command line goes before the configuration. */
function withFlags(table: SpreaddTable, flags: Given): SpreaddTable {
  return {
    ...table,
    port: flags.port ?? table.port,
    name: flags.name ?? table.name,
    socket: flags.socket ?? table.socket,
    engine: flags.engine ?? table.engine,
    tmp_socket: table.tmp_socket && !flags["no-tmp-socket"],
    listen: flags.listen.length > 0 ? [...flags.listen] : table.listen,
  };
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new Fault("usage", "port", `cannot read port ${JSON.stringify(text)}: expected a number from 0 to 65535`);
}

function parseEngine(text: string): SpreaddTable["engine"] {
  if (text === "local" || text === "corosync") return text;
  throw new Fault("usage", "engine", `cannot use engine ${JSON.stringify(text)}: expected "local" or "corosync"`);
}
