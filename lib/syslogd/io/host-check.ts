// What settings name on this host and can't be meant, as `--check` tells it: users that it does not know, certificates and keys that are bad, paths at which nothing can
// be written. A start refuses some of it, and runs without the rest; nobody who asks beforehand wants any of it.
import { statSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { ProcessSettings } from "../../base/process-settings.ts";
import { isForbidden } from "../../base/system-reason.ts";
import { accountOf, ownerOf } from "../../run/accounts.ts";
import { readAuthorities, readCertificateFiles } from "../../run/certificate-files.ts";
import { type Destination, formatDestination } from "../destination.ts";
import type { Settings } from "../settings.ts";
import { keysOf, type SinkKeys } from "../sink-settings.ts";
import { listenersOf } from "../source-plan.ts";

export interface HostCheck {
  readonly wrong: readonly Fault[];
  /** What this process may not look at: another user's may be good. */
  readonly unseen: readonly Fault[];
}

export function checkOnHost(settings: Settings): HostCheck {
  const found = new Map<string, Fault>(); // several rules may name the same file
  const unseen: Fault[] = [];
  for (const look of looks(settings)) {
    try {
      look();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (isForbidden(error.cause)) unseen.push(error);
      else found.set(error.message, error);
    }
  }
  return { wrong: [...found.values()], unseen };
}

/**
 * Of the paths that rules name, those at which nothing can be written as they are: told in the words in which the sink itself tells it. A start runs by the other
 * sinks all the same, since a host without logs is worse.
 * @throws {Fault} kind "config": `all` has each
 */
export function refuseBadPaths({ rules }: Pick<Settings, "rules">): void {
  const all = badPaths(rules);
  if (all[0] !== undefined) throw new Fault("config", all[0].code, all[0].message, { all });
}

/** As `refuseBadPaths` tells them, of those sinks that look at their path only when something is to be written. */
export function badLazyPaths({ rules }: Pick<Settings, "rules">): readonly string[] {
  return badPaths(rules.filter(({ to }) => to?.kind !== "file")).map(({ message }) => message);
}

function badPaths(rules: Settings["rules"]): readonly Fault[] {
  const found = new Map<string, Fault>(); // several rules may name the same file
  for (const { to } of rules) {
    const wrong = to === undefined ? undefined : whyNoPath(to);
    if (wrong !== undefined) found.set(wrong.message, wrong);
  }
  return [...found.values()];
}

/** @throws {Fault} where we can't run as these */
export function checkAccounts({ user, group }: Pick<ProcessSettings, "user" | "group">): void {
  if (user !== "") accountOf("/etc/passwd", user, "run as");
  if (group !== "") accountOf("/etc/group", group, "run as");
}

/** Each throws a fault where something is wrong. */
function* looks(settings: Settings): Generator<() => void> {
  const { process, rules, sinks, spread } = settings;
  yield () => checkAccounts({ user: process.user, group: "" });
  yield () => checkAccounts({ user: "", group: process.group });
  for (const { keys } of sinks.entries)
    if (keys.owner !== undefined && !isOfProcess(keys.owner, process)) yield () => void ownerOf(keys.owner!);
  for (const { tls } of listenersOf(settings)) if (tls !== undefined) yield () => void readCertificateFiles(tls);
  for (const { to } of rules) {
    if (to === undefined) continue;
    yield () => {
      const wrong = whyNoPath(to);
      if (wrong !== undefined) throw wrong;
    };
    if (to.kind === "tls") yield () => checkIdentity(keysOf(to, sinks));
  }
  const { tls } = spread;
  if (tls !== undefined && rules.some(({ to }) => to?.kind === "group"))
    yield () =>
      void readCertificateFiles({
        certificatePath: tls.certificate,
        keyPath: tls.key,
        authoritiesPath: tls.authorities,
      });
}

/** Files are given to whom we run as: told once where there is no such user. */
function isOfProcess(owner: string, { user, group }: ProcessSettings): boolean {
  return owner === (group === "" ? user : `${user}:${group}`);
}

function checkIdentity({ certificate, key, authorities }: SinkKeys): void {
  if (certificate !== undefined && key !== undefined)
    readCertificateFiles({ certificatePath: certificate, keyPath: key, authoritiesPath: authorities });
  else if (authorities !== undefined) readAuthorities(authorities);
}

/** Where there is nothing yet, the file is made. */
function whyNoPath(to: Destination): Fault | undefined {
  if (to.kind !== "file" && to.kind !== "fifo" && to.kind !== "console") return undefined;
  const found = kindAt(to.path);
  const wrong =
    found === "directory"
      ? "it is a directory"
      : found === "blocked"
        ? "a part of its path is no directory"
        : found === "other" && to.kind === "fifo"
          ? "this is no FIFO (mkfifo makes one)"
          : undefined;
  return wrong === undefined ? undefined : new Fault("config", "path", `${formatDestination(to)}: ${wrong}`);
}

function kindAt(path: string): "directory" | "fifo" | "other" | "blocked" | "nothing" {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return "nothing";
    return found.isDirectory() ? "directory" : found.isFIFO() ? "fifo" : "other";
  } catch (error) {
    return codeOf(error) === "ENOTDIR" ? "blocked" : "nothing"; // another user may see more
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
