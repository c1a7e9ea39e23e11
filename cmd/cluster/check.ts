import { formatDuration, parseDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import type { Call } from "../../lib/cli/call.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { styleFor } from "../../lib/cli/style.ts";
import { COROSYNC_PORT } from "../../lib/cluster/corosync-conf.ts";
import { type Finding, type LocalFacts, localFindings, ownNode, peerFindings } from "../../lib/cluster/findings.ts";
import { type Greeter, greetByGroup, greetByNetwork, type Heard } from "../../lib/cluster/io/greeters.ts";
import { keyFacts, type LocalDigests, localDigests, localFacts } from "../../lib/cluster/io/local-facts.ts";
import { shortName } from "../../lib/cluster/nodes.ts";
import { type Greeting, PeerBook, readGreeting, writeGreeting } from "../../lib/cluster/peer-greeting.ts";
import { loadConfig } from "../../lib/config/io/load.ts";
import { moleTable } from "../../lib/mole/table.ts";
import { pause } from "../../lib/run/pause.ts";
import { sessionOptionsOf, spreadTable } from "../../lib/spread/table.ts";
import { spreaddTable } from "../../lib/spreadd/table.ts";
import { configurationFor } from "../configuration.ts";
import { tables } from "../tables.ts";

const SAY_EVERY_MS = 200;
/** Who is done goes on for a moment: others may have begun later. */
const LINGER_MS = 1_000;

const FLAGS = {
  for: {
    type: "value",
    hint: "DURATION",
    about: "how long to wait for the other hosts' checks",
    read: parseDuration,
    default: "10s",
  },
  alone: { type: "switch", about: "look at this host alone" },
} as const;

export const checkCommand = defineCommand({
  name: "check",
  summary: "says what is missing or different on this host, and what to do",
  about:
    "Looks at packages, corosync.conf, keys, names, addresses, times and the clock of this host. Run on all hosts at the same time it compares them: over corosync's " +
    "port while corosync does not run, which tries what is on the way (firewall, packet sizes), through a group once the ring stands. Nothing is changed.",
  examples: [
    { line: "spreadbox cluster check", about: "on each host at the same time, before corosync is started and after" },
    { line: "for host in a b c; do ssh $host spreadbox cluster check & done; wait", about: "from anywhere" },
    { line: "spreadbox cluster check --alone --json", about: "this host alone, for a program" },
  ],
  flags: FLAGS,
  sections: [
    { title: "Exit status", text: "0 nothing is wrong, though something may be worth a look; 78 something is wrong." },
  ],
  json: true,
  async run(call) {
    if (process.geteuid?.() !== 0)
      throw new Fault("no-permission", "not-root", "cannot look at the keys: only root may read them; run it as root");
    const { config, moleKeyPath } = configFacts(call);
    const facts = await localFacts(config);
    const findings = [...localFindings(facts)];
    if (!call.flags.alone) findings.push(...(await compare(call, facts, localDigests(moleKeyPath))));
    await print(call, findings);
    return findings.some(({ level }) => level === "bad") ? exitCodeOf("config") : 0;
  },
});

/** What our configuration says about the ring; its mistakes are findings. */
function configFacts(call: Pick<Call<typeof FLAGS>, "configPath" | "env">): {
  readonly config: LocalFacts["config"];
  readonly moleKeyPath: string | undefined;
} {
  try {
    const loaded = loadConfig({ tables, path: call.configPath, env: call.env });
    const { engine, silence } = loaded.table(spreaddTable);
    const isMoleSet = loaded.tablesSet.includes(moleTable.name);
    const mole = loaded.table(moleTable);
    const moleKeyPath = isMoleSet ? mole.key_file : undefined;
    return {
      moleKeyPath,
      config: {
        engine,
        spreaddSilenceMs: silence,
        mole: isMoleSet ? { silenceMs: mole.silence, leaseMs: mole.lease, mode: mole.mode } : undefined,
        moleKey: moleKeyPath === undefined ? undefined : keyFacts(moleKeyPath),
      },
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const mistakes = (error.all.length > 0 ? error.all : [error]).map(({ message }) => message);
    return { config: { mistakes }, moleKeyPath: undefined };
  }
}

/** Talks with the other hosts' checks. */
async function compare(
  call: Call<typeof FLAGS>,
  facts: LocalFacts,
  digests: LocalDigests,
): Promise<readonly Finding[]> {
  const own = ownNode(facts);
  if (own?.name === undefined || facts.conf === undefined) return []; // told already
  const others = facts.conf.nodes.filter((node) => node !== own);
  if (others.length === 0) return []; // a ring of one, which is told too
  const books = others.map(({ name, addresses }) => new PeerBook(name ?? addresses[0]!, own.name!));
  const heard = (text: string, from: string) => {
    const read = readGreeting(text, digests.mac);
    const at = others.findIndex(({ name, addresses }) => addresses.includes(from) || shortName(name ?? "") === from);
    if (read.is === "other-key") books[at]?.otherKey();
    else if (read.is === "none") books[at]?.corosync();
    else if (read.is === "good")
      books.find(({ name }) => name === read.greeting.from)?.heard(read.greeting, Date.now());
  };
  const greeting = (size: "large" | "small"): Greeting => ({
    from: own.name!,
    size,
    spreadbox: call.version.version,
    corosync: facts.corosync ?? null,
    conf: digests.conf,
    moleKey: digests.moleKey,
    at: Date.now(),
    heard: Object.fromEntries(
      books.flatMap((book) => {
        const known = book.acknowledgement(Date.now());
        return known === undefined ? [] : [[book.name, known]];
      }),
    ),
  });
  const addresses = others.flatMap((node) => node.addresses.slice(0, 1));
  const found = await greeterFor(call, facts, own.addresses[0]!, addresses, heard);
  if ("level" in found) return [found];
  await using greeter = found;
  const waitMs = call.flags.for ?? 10_000;
  call.log.notice(
    `waits up to ${formatDuration(waitMs)} for cluster check on ${books.map(({ name }) => name).join(", ")}`,
  );
  const end = performance.now() + waitMs;
  let leftMs = LINGER_MS;
  while (performance.now() < end && leftMs > 0 && !call.stop.aborted) {
    for (const size of ["large", "small"] as const)
      greeter.say((bytes) => writeGreeting(greeting(size), digests.mac, bytes), size);
    await pause(SAY_EVERY_MS, call.stop);
    if (books.every((book) => book.isComplete)) leftMs -= SAY_EVERY_MS;
  }
  return books.flatMap(({ knowledge }) => peerFindings(greeting("small"), knowledge, greeter.isOverNetwork));
}

async function greeterFor(
  call: Call<typeof FLAGS>,
  facts: LocalFacts,
  own: string,
  peers: readonly string[],
  heard: Heard,
): Promise<Greeter | Finding> {
  const uncompared = (why: string, advice: string): Finding => ({
    level: "bad",
    text: `the other hosts were not compared: ${why}`,
    advice,
  });
  try {
    if (facts.ring === undefined) return await greetByNetwork(own, peers, heard);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE")
      return uncompared(`cannot speak from ${own}: ${(error as Error).message}`, "is it an address of this host?");
    return uncompared(
      `something has UDP port ${COROSYNC_PORT}, and is no corosync that answers`,
      `ss -ulpn sport = :${COROSYNC_PORT} shows what; corosync that hangs: systemctl restart corosync`,
    );
  }
  try {
    const options = sessionOptionsOf(configurationFor(call, [spreadTable]).table(spreadTable));
    return await greetByGroup(options, heard);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return uncompared(`corosync runs here, and ${error.message}`, "spreadbox spreadd status; systemctl start spreadd");
  }
}

async function print(call: Call<typeof FLAGS>, findings: readonly Finding[]): Promise<void> {
  const style = styleFor(call.out.colour);
  const marks = { good: style.good("ok   "), doubt: style.warning("look "), bad: style.bad("BAD  ") };
  for (const finding of findings) {
    if (call.json) await call.printJson(finding);
    else
      await call.out.write(
        `${marks[finding.level]} ${finding.text}${finding.advice === undefined ? "" : `\n      ${style.faint(finding.advice)}`}\n`,
      );
  }
}
