// What a mole would need on this host and of its daemon, looked at before anything is touched: no address, no file is made, and the group is joined for a moment only.
import { accessSync, constants, existsSync, readFileSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { askOnce } from "../../control/io/client.ts";
import { connect, type Session, type SessionOptions } from "../../spread/index.ts";
import type { HostConfig } from "../event.ts";
import { type Finding, judgeRoundTrip } from "../readiness.ts";
import { readKept } from "../stored.ts";
import type { MoleTable } from "../table.ts";
import { refusalOf } from "./group-link.ts";
import { canRun } from "./program.ts";
import { hostFacts, readKey } from "./setup.ts";
import { STATE_FILE } from "./store.ts";

const ROUND_TRIPS = 20;
const ANSWER_MS = 2_000;

export function lookAtHost(table: MoleTable): readonly Finding[] {
  return [key(table.key_file), machine(), stateDirectory(table.state_dir), ...group(table.group), ...programs(table)];
}

function key(path: string | undefined): Finding {
  const about = "key";
  if (path === undefined)
    return {
      level: "warning",
      about,
      text:
        "NO KEY: whoever can send to the group can move vips; head -c 32 /dev/urandom > /etc/spreadbox/mole.key; chmod 600 /etc/spreadbox/mole.key; " +
        'copy it to all hosts; key_file = "/etc/spreadbox/mole.key"',
    };
  try {
    return { level: "fine", about, text: `${path}, ${readKey(path).length} bytes; it must be the same on all hosts` };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { level: "error", about, text: error.message };
  }
}

function machine(): Finding {
  const about = "machine";
  if (hostFacts().hasMachineId) return { level: "fine", about, text: "/etc/machine-id tells it from others" };
  return {
    level: "warning",
    about,
    text: "no /etc/machine-id: after a reboot this host is taken for another machine of its name; systemd-machine-id-setup",
  };
}

/** Sessions in these are watched more closely by spreadd (its BUILT_IN_GROUPS). */
const WATCHED = /^mole(?:[.-].*)?$/;

function group(name: string): readonly Finding[] {
  if (WATCHED.test(name)) return [];
  const text = `${name}: spreadd notices a dead host's session soonest in groups called mole, mole.* and mole-*; else say so in [[spreadd.group]]`;
  return [{ level: "warning", about: "group", text }];
}

/** A file of some hundred bytes, a second one beside it until it is whole, and their directory. */
const STATE_BYTES_MIN = 16_384;

/** The directory, or the nearest above it that exists, can be written, and what is in it can be read. */
function stateDirectory(path: string): Finding {
  const about = "state";
  let existing = path;
  while (!existsSync(existing) && existing !== "/") existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
    const full = whyFull(existing);
    if (full !== undefined) return { level: "error", about, text: `cannot write in ${existing}: ${full}` };
    const file = join(path, STATE_FILE);
    if (existsSync(file)) readKept(readFileSync(file, "utf8"), file);
    return { level: "fine", about, text: existing === path ? path : `${path} will be made` };
  } catch (error) {
    if (error instanceof Fault) return { level: "error", about, text: error.message };
    return { level: "error", about, text: `cannot write in ${existing}: ${(error as NodeJS.ErrnoException).code}` };
  }
}

/** Some filesystems count no inodes: 0 of 0. */
function whyFull(directory: string): string | undefined {
  const { bsize, bfree, bavail, files, ffree } = statfsSync(directory);
  const left = bsize * (process.getuid?.() === 0 ? bfree : bavail);
  if (left < STATE_BYTES_MIN) return `its filesystem is full (${left} bytes left)`;
  return files > 0 && ffree < 2 ? "its filesystem takes no more files" : undefined;
}

/** Without a check no vip is held well; without a hook each is. */
function programs({ health, hook }: MoleTable): readonly Finding[] {
  const named = [
    ...health.flatMap(({ name, command }) =>
      command === undefined ? [] : [{ level: "error" as const, about: `health ${name}`, command }],
    ),
    ...hook.map(({ command }, at) => ({ level: "warning" as const, about: `hook ${at + 1}`, command })),
  ];
  return named.flatMap(({ level, about, command: [program = ""] }) =>
    canRun(program, process.env["PATH"])
      ? []
      : [{ level, about, text: `${program} can't be run: no such program, or it is not executable` }],
  );
}

/** Whether a mole runs here already, by its control socket. */
export async function lookForMole(control: string): Promise<readonly Finding[]> {
  if (control === "" || !existsSync(control)) return [];
  try {
    await askOnce("mole", control, { ask: "stats", with: {} });
    return [{ level: "warning", about: "mole", text: `one runs already and answers at ${control}` }];
  } catch {
    return [];
  }
}

/** Connects, sends messages to itself, joins the group and leaves it at once. */
export async function lookAtDaemon(
  options: SessionOptions,
  config: HostConfig,
  group: string,
): Promise<readonly Finding[]> {
  const about = "daemon";
  try {
    await using session = await connect({ ...options, reconnect: false });
    const { state, privateGroup } = session;
    if (state.at !== "connected" || privateGroup === undefined) return [];
    const findings: Finding[] = [{ level: "fine", about, text: `${state.server}, version ${state.version}` }];
    const tookMs: number[] = [];
    let sentMs = performance.now();
    const late = setTimeout(() => void session.close(), ANSWER_MS);
    await session.multicast(privateGroup, "preflight");
    for await (const event of session) {
      if (event.kind !== "message") continue;
      tookMs.push(performance.now() - sentMs);
      if (tookMs.length === ROUND_TRIPS) break;
      sentMs = performance.now();
      await session.multicast(privateGroup, "preflight");
    }
    clearTimeout(late);
    if (tookMs.length < ROUND_TRIPS)
      return [
        ...findings,
        { level: "error", about, text: `it takes messages and delivers none within ${ANSWER_MS} ms` },
      ];
    tookMs.sort((a, b) => a - b);
    return [
      ...findings,
      judgeRoundTrip(config, tookMs[ROUND_TRIPS / 2]!, tookMs.at(-1)!),
      await lookAtGroup(session, group),
    ];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [{ level: "error", about, text: error.message }];
  }
}

/** In one breath: moles that are in the group have not got to wait for us. */
async function lookAtGroup(session: Session, group: string): Promise<Finding> {
  const about = "group";
  const late = setTimeout(() => void session.close(), ANSWER_MS);
  try {
    const leaving = [session.join(group), session.leave(group)];
    for (const done of leaving) done.catch(() => {}); // a session that ends says so
    for await (const event of session) {
      if (event.kind === "reject") return { level: "error", about, text: refusalOf(event, group) };
      if (event.kind === "selfLeave") return { level: "fine", about, text: `${group} can be joined` };
    }
    return { level: "error", about, text: `joining ${group} was not answered within ${ANSWER_MS} ms` };
  } finally {
    clearTimeout(late);
  }
}
