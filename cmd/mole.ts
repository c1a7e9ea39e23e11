// N-way fail-over of addresses. What it decides lies in lib/mole; here are its flags, its signals and its end.

import { setPriority } from "node:os";
import { Fault } from "../lib/base/fault.ts";
import type { Log } from "../lib/base/log.ts";
import { whenAborted } from "../lib/base/when-aborted.ts";
import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { Operation } from "../lib/control/io/operation.ts";
import { notifyServiceManager } from "../lib/linux/service-manager.ts";
import { keepCrashDumps } from "../lib/mole/io/crash-dump.ts";
import { openKernelDriver } from "../lib/mole/io/kernel-driver.ts";
import { Mole } from "../lib/mole/io/mole.ts";
import { dumpOf, operatorWords } from "../lib/mole/io/operator.ts";
import { setUp } from "../lib/mole/io/setup.ts";
import { operated } from "../lib/mole/operated.ts";
import { CONTROL_PATH, moleTable } from "../lib/mole/table.ts";
import { systemClock } from "../lib/run/clock.ts";
import { serveMetrics } from "../lib/run/metrics-server.ts";
import { beatForWatchdog, keepPidFile } from "../lib/run/process-state.ts";
import { forgetStart } from "../lib/run/start-memory.ts";
import { parseServer } from "../lib/spread/server.ts";
import { sessionOptionsOf, spreadTable } from "../lib/spread/table.ts";
import { configurationOf } from "./configuration.ts";
import { controlCommands } from "./control-commands.ts";
import { checkCommand } from "./mole/check.ts";
import { operatorCommands } from "./mole/commands.ts";
import { dumpCommand } from "./mole/dump.ts";
import { preflightCommand } from "./mole/preflight.ts";
import { simulateCommand } from "./mole/simulate.ts";
import { statusCommand } from "./mole/status.ts";
import { whyCommand } from "./mole/why.ts";

/** What it gives up in order, and the hooks that are called for that, are through by then. */
const ENDS_WITHIN_MS = 60_000;

export const moleCommand: AnyCommand = defineCommand({
  name: "mole",
  summary: "keeps every vip, a set of addresses, covered by exactly one live host",
  about:
    "Runs on every host of a cluster, with the same configuration: [[mole.vip]] names the addresses. The moles meet in a Spread group, agree who holds what, and take over what a " +
    "host that fails has held, in milliseconds where its process died. Addresses are kernel leases: a host that loses touch loses them, whatever else is wrong with it.\n\n" +
    "Mode available, the default: when the network parts, each part covers everything; what it costs is that a host whose group daemon hangs is doubled for up to silence, less the " +
    "time in which the daemons notice it. A mole that hangs is waited for until its lease must have ended: silence + lease + 0.5 s after its last word. Mode safe: only the part with more than half of the hosts covers, and takes over only when the leases of who is gone must have ended, some " +
    "seconds. Then, for crashes, partitions, and processes or daemons that hang, no address is held by two hosts of the whole network. A machine whose kernel itself stands still " +
    "(a paused virtual machine) has lost its addresses within one beat after it wakes.\n\n" +
    "Addresses that are on the host already and not ours are never touched. mole preflight looks at everything that has to be right, before anything is touched.",
  examples: [
    { line: "spreadbox mole preflight && spreadbox mole", about: "as this host's mole, by its configuration" },
    { line: "mole status", about: "all vips of all hosts, from any host (with a symlink of that name)" },
    { line: "mole drain && systemctl reboot", about: "nobody notices" },
  ],
  flags: {
    control: {
      type: "value",
      hint: "PATH",
      about: `take commands on this socket, instead of the configured one (${CONTROL_PATH})`,
    },
    spread: {
      type: "value",
      hint: "SERVER",
      about: "the Spread daemon, instead of the configured ones",
      read: parseServer,
    },
  },
  commands: [
    preflightCommand,
    statusCommand,
    whyCommand,
    ...operatorCommands,
    simulateCommand,
    checkCommand,
    dumpCommand,
    ...controlCommands({
      name: "mole",
      typed: "mole",
      usualPath: CONTROL_PATH,
      uses: [moleTable],
      configuredPath: (config) => config.table(moleTable).control,
      statusAbout: "",
      statusLines: () => [],
      telling: { line: "mole stats | grep vip_held", about: "which vips are held, anywhere and here" },
      reloadAbout:
        "A vip whose definition changes is let go and taken anew, by the definition that more hosts have; no other moves",
    }).filter(({ name }) => name === "stats" || name === "reload"),
  ],
  endsWithinMs: ENDS_WITHIN_MS,
  sections: [
    {
      title: "Signals",
      text: "SIGTERM and SIGINT give up every vip in order: others have taken each over within milliseconds. A second SIGTERM meanwhile changes nothing; a second SIGINT ends it at once, and the guard removes the addresses. SIGHUP reads the configuration anew; one with mistakes is refused. SIGUSR1 tells the counts.",
    },
    {
      title: "Killed",
      text: "A guard, a small process beside it, removes the addresses before the others are told; so nothing is doubled. Where that is killed in the same moment too, the leases end by themselves; in mode available others do not wait for that, and the addresses are doubled for up to lease.",
    },
  ],
  async run(call) {
    const { flags, env, log, stop } = call;
    const load = async () => {
      const config = configurationOf(call, [moleTable, spreadTable]);
      const spread = {
        ...sessionOptionsOf(config.table(spreadTable)),
        ...(flags.spread === undefined ? {} : { servers: flags.spread }),
      };
      return setUp(config.table(moleTable), spread);
    };
    const setup = await load();
    const { table } = setup;
    const mole = new Mole({ setup, log, clock: systemClock, env, openDriver: openKernelDriver });
    using _dumps = keepCrashDumps(table.state_dir, () => dumpOf(mole));
    using _metrics = table.metrics && serveMetrics(table.metrics, "spreadbox_mole", () => mole.samples);
    using _pidFile = keepPidFile(table.pid_file);
    const operation = new Operation({
      service: operated(mole, log),
      load,
      clock: systemClock,
      env,
      words: operatorWords(mole),
    });
    const control = flags.control ?? table.control;
    using _control = control === "" ? undefined : await operation.listen(control);
    process.on("SIGHUP", () => void operation.hangUp());
    process.on("SIGUSR1", () => operation.tellTotals());
    using _watchdog = beatForWatchdog(env);
    hurry(log);
    if (setup.mac === undefined)
      log.warn(
        "there is no key_file: whoever can send to the group can move vips; mole preflight tells how to make one",
      );
    await forgetStart(); // before it is in the group: later it would hold up beats
    mole.start();
    notifyServiceManager("READY=1", env);
    await Promise.race([whenAborted(stop), mole.runner.ended]);
    notifyServiceManager("STOPPING=1", env);
    await mole.stop();
    if (mole.nameTaken !== undefined) throw new Fault("config", "name-taken", mole.nameTaken);
    return 0;
  },
});

/** Before other work of the host: a beat that waits for a processor looks like a death. */
const NICE = -15;

function hurry(log: Log): void {
  try {
    setPriority(NICE);
  } catch (error) {
    log.warn(`cannot run at nice ${NICE}: ${(error as Error).message}; on a busy host its beats may be late`);
  }
}
