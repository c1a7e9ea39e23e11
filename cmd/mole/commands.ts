// Commands that change something in the cluster. Each is given to the mole of this host, which tells the group; it is answered when it is done.
import { Fault } from "../../lib/base/fault.ts";
import type { Call } from "../../lib/cli/call.ts";
import { type AnyCommand, defineCommand, type Flag } from "../../lib/cli/command.ts";
import type { Simulated } from "../../lib/mole/simulate.ts";
import { askMole, CONTROL_FLAG, TIMEOUT_FLAG } from "./service.ts";
import { showSupposed } from "./supposed.ts";

const FLAGS = { ...CONTROL_FLAG, ...TIMEOUT_FLAG };
const DRY_RUN = {
  "dry-run": { type: "switch", short: "n", about: "show what would move, and change nothing" },
} as const satisfies Record<string, Flag>;
const HOST = { name: "HOST", about: "as mole status shows it; this host unless given" } as const;

type Commanding = Pick<Call<typeof FLAGS>, "flags" | "configPath" | "env" | "json" | "printJson" | "out" | "stop">;

/** Gives the command, waits until it is done, and says so. */
async function carryOut(word: string, call: Commanding, given: Readonly<Record<string, unknown>>): Promise<number> {
  const patienceMs = call.flags.timeout ?? 30_000;
  const answer = String(await askMole(word, call, { ...given, patienceMs }, patienceMs));
  if (call.json) await call.printJson({ done: true, answer });
  else await call.out.write(`${answer}\n`);
  return 0;
}

const drain = defineCommand({
  name: "drain",
  summary: "has a host give up all its vips to others, and get none",
  about:
    "Ends when the host holds nothing any more and each vip is held elsewhere. It stays drained, through restarts of the others, until mole resume or until its own mole is " +
    "restarted. The last host that can hold some vip is not drained without --force.",
  examples: [
    { line: "mole drain", about: "this host, before work on it" },
    { line: "mole drain node2 --dry-run", about: "another; what would move?" },
    { line: "mole drain --timeout 2m && systemctl stop nginx", about: "only once nobody is served here" },
  ],
  positionals: [HOST],
  flags: { ...FLAGS, ...DRY_RUN, force: { type: "switch", about: "even if vips go uncovered" } },
  json: true,
  async run(call) {
    const [host] = call.positionals;
    const { force } = call.flags;
    const given = { force, ...(host !== undefined && { host }) };
    if (!call.flags["dry-run"]) return await carryOut("drain", call, given);
    return await showSupposed((await askMole("simulate", call, { suppose: "drained", ...given })) as Simulated, call);
  },
});

const resume = defineCommand({
  name: "resume",
  summary: "lets a drained host take vips again",
  about: "Vips that are better there move, one by one, when the group has been calm.",
  examples: [
    { line: "mole resume", about: "this host" },
    { line: "mole resume node2", about: "another" },
    { line: "mole resume && mole balance", about: "and wait until everything is where it belongs" },
  ],
  positionals: [HOST],
  flags: FLAGS,
  json: true,
  async run(call) {
    const [host] = call.positionals;
    return await carryOut("resume", call, host === undefined ? {} : { host });
  },
});

const move = defineCommand({
  name: "move",
  summary: "gives a vip to a host, and leaves it there",
  about:
    "Its holder lets go first, then the host takes it: never both. Ends when the host holds it. It stays there, whatever balancing would do, until mole balance, or until the " +
    "host fails. First the wire is asked: where somebody outside of the group answers for the vip too it is not moved without --force.",
  examples: [
    { line: "mole move web node2", about: "ends when node2 holds it" },
    { line: "mole move web node2 --dry-run", about: "what would become of the load?" },
    { line: "mole why web", about: "why it can't" },
  ],
  positionals: [
    { name: "VIP", about: "the vip's name, or one of its addresses", required: true },
    { name: "HOST", about: "where it is to go", required: true },
  ],
  flags: {
    ...FLAGS,
    ...DRY_RUN,
    force: { type: "switch", about: "even if somebody outside of the group answers for it" },
  },
  json: true,
  async run(call) {
    const [vip, host] = call.positionals;
    const given = { vip, host, force: call.flags.force };
    if (!call.flags["dry-run"]) return await carryOut("move", call, given);
    return await showSupposed((await askMole("simulate", call, { suppose: "moved", ...given })) as Simulated, call);
  },
});

const balance = defineCommand({
  name: "balance",
  summary: "frees what operators have put somewhere, and waits until the load is balanced",
  about:
    "Balancing goes by itself, one vip after the other, when the group has been calm: this waits for its end, also for hosts that are held down after their return and will be given something.",
  examples: [
    { line: "mole balance", about: "wait for it" },
    { line: "mole balance --timeout 5m", about: "with many vips" },
    { line: "mole status", about: "load and capacity of each host" },
  ],
  flags: FLAGS,
  json: true,
  run: async (call) => await carryOut("balance", call, {}),
});

const maintenance = defineCommand({
  name: "maintenance",
  summary: "keeps everything where it is, so that moles and the group service can be replaced",
  about:
    "While it is on nothing is taken over, moved or given up, in the whole cluster: leases are lifted, guards stand by, and a mole that is restarted takes up what it finds. A " +
    "host that dies takes its vips with it, and so does one that hangs as it begins: the command names it. Kept on disk by each host, and told by status and every check; where this host can't keep it the command says so and ends with status 74. At off each host puts its leases on again; the vips of a host that is away stay its " +
    "own until it is back, or --force.",
  examples: [
    { line: "mole maintenance on", about: "before the group service is replaced, or spreadbox itself" },
    { line: "mole maintenance off", about: "afterwards" },
    { line: "mole maintenance off --force", about: "give up what hosts that went away meanwhile have held" },
  ],
  positionals: [{ name: "WHAT", about: "on or off", required: true, choices: ["on", "off"] }],
  flags: { ...FLAGS, force: { type: "switch", about: "with off: give up what hosts that are away have held" } },
  json: true,
  async run(call) {
    const on = call.positionals[0] === "on";
    if (on && call.flags.force) throw new Fault("usage", "force", "--force is for maintenance off");
    return await carryOut("maintenance", call, { on, force: call.flags.force });
  },
});

const forget = defineCommand({
  name: "forget",
  summary: "takes a host that is gone for good off the list of hosts",
  about:
    "For mode safe, whose majorities count it, and for vips it has kept from a maintenance. Whoever says this must know that the host is off: it may hold addresses otherwise. " +
    "A host that is here can't be forgotten.",
  examples: [
    { line: "mole forget node3 --force", about: "its machine is switched off, and will not come back" },
    { line: "mole status", about: "who is missing?" },
    { line: "spreadbox config check", about: "take it out of mole.hosts as well, on all hosts" },
  ],
  positionals: [{ name: "HOST", about: "as mole status shows it", required: true }],
  flags: { ...FLAGS, force: { type: "switch", about: "yes, it is switched off" } },
  json: true,
  async run(call) {
    const [host] = call.positionals;
    if (!call.flags.force)
      throw new Fault(
        "usage",
        "force",
        `is ${host} switched off for certain? If it runs it may hold addresses, and others take them; --force says so`,
      );
    return await carryOut("forget", call, { host });
  },
});

export const operatorCommands: readonly AnyCommand[] = [drain, resume, move, balance, maintenance, forget];
