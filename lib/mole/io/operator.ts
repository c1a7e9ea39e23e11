// The operator's words, as they come over the control socket. A command that changes something is answered when it is done, refused, or when the operator's patience
// ends; then it goes on all the same.
import { Fault } from "../../base/fault.ts";
import type { Handler } from "../../control/io/server.ts";
import type { Request } from "../../control/message.ts";
import { bootMs } from "../../run/clock.ts";
import { pause } from "../../run/pause.ts";
import type { Report } from "../action.ts";
import { checkCommand, FORCE, leftOf, strangerInTheWay, vipNameOf } from "../command-check.ts";
import { Completion, type Outcome } from "../completion.ts";
import type { Command, MoleEvent } from "../event.ts";
import { type Simulated, type Supposition, simulate } from "../simulate.ts";
import { hostOf as hostOfMember } from "../status.ts";
import { type Why, whyOf, whyOfOwn } from "../why.ts";
import type { VipFacts } from "./driver.ts";
import type { Mole } from "./mole.ts";

/** What `why` answers. */
export interface WhyAnswer extends Why {
  /** What the kernel and the wire of this host say. */
  readonly here: VipFacts | undefined;
}

/** How long a command waits unless it says otherwise. */
export const PATIENCE_MS = 30_000;
/** A group that is just telling itself who holds what is asked again. */
const AGAIN_MS = 100;

/** @param dump writes the flight recorder: where to */
export function operatorWords(mole: Mole): Readonly<Record<string, Handler>> {
  const command = (read: (request: Request) => Command): Handler => {
    return async (request, { gone }) => await carryOut(mole, read(request), patienceOf(request), gone);
  };
  return {
    status: async () => ({
      ...mole.status,
      health: mole.health.all.map(({ check, ...rest }) => ({ check: check.name, ...rest })),
    }),
    why: async ({ with: given }) => explain(mole, textOf(given, "vip")),
    simulate: async ({ with: given }) => await suppose(mole, given),
    dump: async () => dumpOf(mole),
    drain: command(({ with: given }) => ({ do: "drain", host: hostOf(mole, given), force: given["force"] === true })),
    resume: command(({ with: given }) => ({ do: "resume", host: hostOf(mole, given) })),
    move: async (request, { gone }) => {
      const { with: given } = request;
      const move = { do: "move", vip: vipOf(mole, given), host: textOf(given, "host") } as const;
      return await carryOut(mole, move, patienceOf(request), gone, given["force"] === true);
    },
    balance: command(() => ({ do: "balance" })),
    maintenance: command(({ with: given }) => ({
      do: "maintenance",
      on: given["on"] === true,
      force: given["force"] === true,
    })),
    forget: command(({ with: given }) => ({ do: "forget", host: textOf(given, "host") })),
  };
}

/** The flight recorder, with what the table is now. */
export function dumpOf(mole: Mole) {
  const { runner } = mole;
  const table = runner.machine.session?.latestTable;
  return {
    nowMs: bootMs(),
    wallTime: new Date().toISOString(),
    host: mole.setup.config.host,
    counts: runner.counts,
    standing: runner.machine.standing,
    table: table?.snapshot() ?? null,
    holds: [...runner.machine.holds].map(([vip, { at, number, sinceMs }]) => ({ vip, at, number, sinceMs })),
    recorded: runner.recorder.all(),
  };
}

/** @param isForced a move, whoever answers for the vip from outside */
async function carryOut(
  mole: Mole,
  command: Command,
  patienceMs: number,
  gone: AbortSignal,
  isForced = false,
): Promise<string> {
  const deadlineMs = bootMs() + patienceMs;
  for (;;) {
    const { done, text, passes = false, isLate = false } = await tryOnce(mole, command, deadlineMs, isForced);
    if (done) {
      if (STORED.has(command.do)) await checkKept(mole, text, deadlineMs);
      return `${text}${leftOf(command, mole.runner.machine.session?.latestTable, mole.standsOn)}`;
    }
    if (isLate) throw new Fault("temporary", "late", `${describe(command)}: ${text}`);
    const isHopeless = !passes || bootMs() + AGAIN_MS > deadlineMs;
    if (isHopeless || !(await pause(AGAIN_MS, gone)))
      throw new Fault(passes ? "temporary" : "unavailable", "refused", `cannot ${describe(command)}: ${text}`);
  }
}

/** What these decide outlives the mole. */
const STORED: ReadonlySet<Command["do"]> = new Set(["maintenance", "forget"]);
/** A disk that is slow just now is not one that takes nothing. */
const DISK_MS = 2_000;

/** @throws {Fault} kind "io": it is decided, and this host has not got it on disk */
async function checkKept(mole: Mole, text: string, deadlineMs: number): Promise<void> {
  const why = await mole.keeps(Math.max(DISK_MS, deadlineMs - bootMs()));
  if (why !== undefined) throw new Fault("io", "not-kept", `${text}. NOT KEPT ON DISK by this host: ${why}`);
}

/** @throws {Fault} what was asked for can't be, whenever it is asked */
async function tryOnce(mole: Mole, command: Command, deadlineMs: number, isForced: boolean): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const { machine } = mole.runner;
  if (machine.session?.table === undefined) {
    const { is, text } = mole.status;
    // Nobody knows when, or whether, it will be in the group: that is not waited for.
    if (is !== "gathering") throw new Fault("temporary", "no-table", `cannot ${describe(command)}: ${text}`);
    return { done: false, text, passes: true };
  }
  const seen = [...mole.chronicle.hosts.keys(), ...mole.hostNames];
  const known = checkCommand(command, machine.session.table, seen, mole.standsOn);
  if (known !== undefined) return known;
  const stranger = command.do === "move" && !isForced ? await strangerAt(mole, command.vip) : undefined;
  if (stranger !== undefined) return { done: false, text: stranger };
  const completion = new Completion(command);
  const finish = (outcome: Outcome) => {
    clearTimeout(timer);
    onlooking[Symbol.dispose]();
    resolve(outcome);
  };
  const look = (event: MoleEvent) => {
    const outcome = completion.look(event, machine);
    if (outcome !== undefined) finish(outcome);
  };
  const report = (told: Report) => {
    if (told.about === "command") finish({ ...told, passes: told.text.endsWith("try again") });
  };
  const onlooking = mole.onlook(look, report);
  const timer = setTimeout(
    () =>
      finish({ done: false, isLate: true, text: `not done in time, but it goes on: ${completion.pending(machine)}` }),
    Math.max(0, deadlineMs - bootMs()),
  );
  mole.runner.command(command);
  return await promise;
}

/** Asks the wire, before the holder lets go: who takes over from one that has let go does not ask. */
async function strangerAt(mole: Mole, vip: string): Promise<string | undefined> {
  const { runner, driver, standsOn } = mole;
  const [known] = mole.doubled(vip);
  if (known !== undefined) return `${known}; ${FORCE}`;
  const inForce = () => {
    const { session } = runner.machine;
    const { table } = session ?? {};
    if (session === undefined || table === undefined) return undefined;
    const entry = table.vipNamed(vip);
    return entry && { entry, table, me: session.member };
  };
  const before = inForce();
  if (before === undefined) return undefined;
  const { number } = before.entry;
  const claimants = await driver.claimants(before.entry.definition);
  const now = inForce();
  // It moved meanwhile: who answered is nobody's trouble.
  if (now === undefined || now.entry.number !== number) return undefined;
  return strangerInTheWay(
    now.entry,
    now.me,
    claimants,
    (member) => hostOfMember(member, now.table, mole.chronicle),
    standsOn,
  );
}

function describe(command: Command): string {
  switch (command.do) {
    case "move":
      return `move ${command.vip} to ${command.host}`;
    case "drain":
    case "resume":
    case "forget":
      return `${command.do} ${command.host}`;
    case "maintenance":
      return `turn maintenance ${command.on ? "on" : "off"}`;
    default:
      return command.do;
  }
}

function explain(mole: Mole, vip: string): readonly WhyAnswer[] {
  const { machine } = mole.runner;
  const hasTable = machine.session?.latestTable !== undefined;
  if (!hasTable && !mole.runner.keeps.maintenance.on)
    throw new Fault("temporary", "no-table", `cannot tell: ${mole.status.text}`);
  const found = hasTable
    ? whyOf(machine, mole.chronicle, mole.standsOn, vip, bootMs(), (id) => mole.driver.facts(id)?.failure?.why)
    : whyOfOwn(mole.status, vip);
  if (found.length === 0) {
    const known = mole.status.vips.map(({ vip: name }) => name).join(", ");
    throw new Fault(
      "usage",
      "unknown-vip",
      `no vip is called ${JSON.stringify(vip)}, or has that address; there are ${known || "none"}`,
    );
  }
  return found.map((why) => ({ ...why, here: mole.driver.facts(why.id) }));
}

async function suppose(mole: Mole, given: Request["with"]): Promise<Simulated> {
  const { session } = mole.runner.machine;
  const table = session?.table;
  if (session === undefined || table === undefined)
    throw new Fault("temporary", "no-table", `cannot tell: ${mole.status.text}`);
  const supposition = suppositionOf(mole, given);
  const result = simulate(table, session.member, supposition, mole.standsOn);
  if (typeof result === "string") throw new Fault("usage", "supposition", result);
  if (supposition.suppose !== "moved" || given["force"] === true) return result;
  const stranger = await strangerAt(mole, supposition.vip);
  return stranger === undefined ? result : { ...result, notes: [...result.notes, `it is refused: ${stranger}`] };
}

function suppositionOf(mole: Mole, given: Request["with"]): Supposition {
  const { suppose } = given;
  if (suppose === "drained") return { suppose, host: hostOf(mole, given), force: given["force"] === true };
  if (suppose === "moved") return { suppose, vip: vipOf(mole, given), host: textOf(given, "host") };
  const { hosts } = given;
  if (!Array.isArray(hosts) || hosts.length === 0 || !hosts.every((host) => typeof host === "string"))
    throw new Fault("usage", "hosts", "which hosts are to be gone?");
  return { suppose: "gone", hosts };
}

function textOf(given: Request["with"], key: string): string {
  const value = given[key];
  if (typeof value === "string" && value !== "") return value;
  throw new Fault("usage", "argument", `the request lacks ${JSON.stringify(key)}`);
}

/** By its name, or by one of its addresses. */
function vipOf(mole: Mole, given: Request["with"]): string {
  return vipNameOf(mole.runner.machine.session?.latestTable, textOf(given, "vip"));
}

/** This host unless another is named. */
function hostOf(mole: Mole, given: Request["with"]): string {
  return given["host"] === undefined ? mole.setup.config.host : textOf(given, "host");
}

function patienceOf({ with: given }: Request): number {
  const { patienceMs } = given;
  return typeof patienceMs === "number" && patienceMs >= 0 ? Math.min(patienceMs, 3_600_000) : PATIENCE_MS;
}
