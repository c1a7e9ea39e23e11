// What only the whole spread.conf can show: names and addresses twice, limits, timeouts all or none, windows in order (PROTOCOL.md 12.2, 12.3);
// then the options with their defaults.
import { isDaemonName } from "./names.ts";
import type { ConfDaemon, ConfOptions, ConfSegment, SpreadConf } from "./spread-conf.ts";
import { isLoopback, isMulticast } from "./spread-conf-address.ts";
import { CONF_NAME_BYTES_MAX, daemonId } from "./spread-conf-hash.ts";
import { type Notes, shown } from "./spread-conf-notes.ts";
import type { SettingValue } from "./spread-conf-option-reader.ts";
import {
  DEFAULT_SESSION_MESSAGES,
  DEFAULT_WINDOWS,
  LAN_TIMEOUTS,
  STOCK_AUTH_METHODS,
  TIMEOUT_NAMES,
  type Timeouts,
  WAN_TIMEOUTS,
} from "./spread-conf-options.ts";
import type { Draft } from "./spread-conf-reader.ts";
import type { DraftDaemon } from "./spread-conf-segment-reader.ts";
import { placeOf } from "./spread-conf-tokens.ts";

const SEGMENTS_MAX = 20;
const DAEMONS_MAX = 128;
const TIME_FORMAT_BYTES_MAX = 39;

/** Turns what was read into a configuration, and notes what its parts mean together. */
export function checkMeaning(draft: Draft, notes: Notes): SpreadConf {
  const syntaxHolds = notes.errors.length === 0;
  const segments = draft.segments.map(
    (segment): ConfSegment => ({
      port: segment.port,
      addresses: segment.addresses,
      daemons: segment.daemons.map((daemon) => confDaemon(draft, daemon, segment.port)),
      ...placeOf(draft.text, segment.at),
    }),
  );
  const drafts = draft.segments.flatMap((segment) => segment.daemons);
  const daemons = segments.flatMap((segment) => segment.daemons);
  checkCounts(draft, daemons.length, syntaxHolds, notes);
  checkDaemons(daemons, drafts, notes);
  checkSegments(draft, notes);
  const options = optionsOf(draft, notes);
  const setAt = new Map([...draft.settings].map(([name, { at }]) => [name, placeOf(draft.text, at)]));
  return { segments, options, setAt };
}

function confDaemon(draft: Draft, daemon: DraftDaemon, port: number): ConfDaemon {
  const { written, virtualId, address, lookUp, interfaces } = daemon;
  return {
    name: cutName(written),
    written,
    id: virtualId ?? daemonId(written),
    idFrom: virtualId === undefined ? "name" : "VirtualID",
    address,
    lookUp,
    port,
    interfaces,
    ...placeOf(draft.text, daemon.at),
  };
}

function cutName(written: string): string {
  const bytes = new TextEncoder().encode(written);
  return bytes.length <= CONF_NAME_BYTES_MAX
    ? written
    : new TextDecoder().decode(bytes.subarray(0, CONF_NAME_BYTES_MAX));
}

function checkCounts(draft: Draft, daemons: number, syntaxHolds: boolean, notes: Notes): void {
  const end = draft.text.length;
  const { segments } = draft;
  // a file that was not understood may have them all the same
  if (syntaxHolds && segments.length === 0)
    notes.error(
      end,
      "no-segment",
      'the file has no Spread_Segment: write one, such as "Spread_Segment 192.0.2.255:4803 { name 192.0.2.1 }"',
    );
  else if (syntaxHolds && daemons === 0) notes.error(end, "no-daemon", "no segment has a daemon");
  if (segments.length > SEGMENTS_MAX)
    notes.error(
      segments[SEGMENTS_MAX]!.at,
      "limit",
      `the file has ${segments.length} segments, at most ${SEGMENTS_MAX} are allowed`,
    );
  if (daemons > DAEMONS_MAX)
    notes.error(end, "limit", `the file has ${daemons} daemons, at most ${DAEMONS_MAX} are allowed`);
}

function checkDaemons(daemons: readonly ConfDaemon[], drafts: readonly DraftDaemon[], notes: Notes): void {
  const names = new Map<string, ConfDaemon>();
  const ids = new Map<number, ConfDaemon>();
  const places = new Map<string, ConfDaemon>();
  for (const [index, daemon] of daemons.entries()) {
    const { at } = drafts[index]!;
    const sameName = firstWith(names, daemon.name, daemon);
    const sameId = firstWith(ids, daemon.id, daemon);
    const target = daemon.address && `${daemon.address.canonical} port ${daemon.port}`;
    const sameTarget = target === undefined ? undefined : firstWith(places, target, daemon);
    if (sameName !== undefined)
      notes.error(
        at,
        "twice",
        `daemon ${shown(daemon.name)}${cutFrom(daemon)} stands on line ${sameName.line} already: every name may stand once`,
      );
    else if (sameId !== undefined)
      notes.error(
        at,
        "twice",
        `daemon ${shown(daemon.name)} has the id ${daemon.id}, as ${shown(sameId.name)} on line ${sameId.line}: give another VirtualID`,
      );
    if (sameTarget !== undefined)
      notes.error(
        at,
        "twice",
        `daemon ${shown(daemon.name)} has the address ${target}, as ${shown(sameTarget.name)} on line ${sameTarget.line}`,
      );
    adviseDaemon(daemon, daemons.length, at, notes);
  }
}

function firstWith<Key>(seen: Map<Key, ConfDaemon>, key: Key, daemon: ConfDaemon): ConfDaemon | undefined {
  const first = seen.get(key);
  if (first === undefined) seen.set(key, daemon);
  return first;
}

function cutFrom(daemon: ConfDaemon): string {
  return daemon.name === daemon.written ? "" : ` (cut from ${shown(daemon.written)})`;
}

function adviseDaemon(daemon: ConfDaemon, daemons: number, at: number, notes: Notes): void {
  if (daemon.name !== daemon.written)
    notes.warn(
      at,
      "name-cut",
      `name ${shown(daemon.written)} is cut to ${CONF_NAME_BYTES_MAX} bytes: ${shown(daemon.name)}`,
    );
  if (!isDaemonName(daemon.name))
    notes.warn(
      at,
      "name",
      `name ${shown(daemon.name)}: the daemon closes the connection of every client that sends, for its own name is refused in theirs; use characters from "$" to "~"`,
    );
  if (daemons > 1 && daemon.address !== undefined && isLoopback(daemon.address)) {
    const how = daemon.lookUp === undefined ? "has" : "is looked up as";
    notes.warn(
      at,
      "loopback",
      `daemon ${shown(daemon.name)} ${how} the loopback address ${daemon.address.text}: daemons on other hosts can't reach it; write the host's network address`,
    );
  } else if (daemon.lookUp !== undefined && !notes.errors.some((error) => error.at === at))
    notes.warn(
      at,
      "looked-up",
      `daemon ${shown(daemon.name)} has no address here: every host must look up the same one for it, and Debian's /etc/hosts says 127.0.1.1 for its own name; write it down`,
    );
}

function checkSegments(draft: Draft, notes: Notes): void {
  for (const { addresses, daemons, at } of draft.segments) {
    const [first] = addresses;
    if (first === undefined || daemons.length < 2) continue; // with one daemon the segment's address is never used
    if (first.family === 6 && addresses.some((address) => !isMulticast(address)))
      notes.warn(at, "segment-address", "an IPv6 segment needs a multicast address, such as ff02::1:2:3");
    if (
      addresses.some(isLoopback) &&
      daemons.some((daemon) => daemon.address !== undefined && !isLoopback(daemon.address))
    )
      notes.warn(at, "loopback", `the segment has a loopback address: what is sent to it never leaves the host`);
  }
}

function optionsOf(draft: Draft, notes: Notes): ConfOptions {
  const value = <T extends SettingValue>(name: string, fallback: T): T =>
    (draft.settings.get(name)?.value as T | undefined) ?? fallback;
  const at = (name: string) => draft.settings.get(name)?.at ?? 0;
  const wideAreaNetwork = value("WideAreaNetwork", draft.segments.length > 1);
  const options: ConfOptions = {
    eventLogFile: draft.settings.get("EventLogFile")?.value as string | undefined,
    eventTimeStamp: draft.settings.has("EventTimeStamp") || draft.settings.has("EventPreciseTimeStamp"),
    eventPriority: value("EventPriority", "INFO"),
    debugFlags: draft.settings.get("DebugFlags")?.value as readonly string[] | undefined,
    dangerousMonitor: value("DangerousMonitor", false),
    socketPortReuse: value("SocketPortReuse", "auto"),
    runtimeDir: value("RuntimeDir", "") || "/var/run/spread",
    daemonUser: value("DaemonUser", "") || "spread",
    daemonGroup: value("DaemonGroup", "") || "spread",
    ...authMethods(draft, notes),
    maxSessionMessages: value("MaxSessionMessages", DEFAULT_SESSION_MESSAGES),
    ipVersion: draft.family,
    window: value("Window", DEFAULT_WINDOWS.window),
    personalWindow: value("PersonalWindow", DEFAULT_WINDOWS.personalWindow),
    acceleratedWindow: value("AcceleratedWindow", DEFAULT_WINDOWS.acceleratedWindow),
    acceleratedRing: draft.settings.get("AcceleratedRing")?.value as boolean | undefined,
    wideAreaNetwork,
    excludeSegAddrsFromHash: value("ExcludeSegAddrsFromHash", false),
    ignoreMulticastJoinErrors: value("IgnoreMulticastJoinErrors", false),
    ...timeoutsOf(draft, wideAreaNetwork, notes),
  };
  checkWindows(options, at, notes);
  const policy = value("AccessControlPolicy", "PERMIT");
  if (policy !== "PERMIT")
    notes.error(
      at("AccessControlPolicy"),
      "value",
      `option AccessControlPolicy: found ${shown(policy)}, and the stock daemon has none but "PERMIT"`,
    );
  if (new TextEncoder().encode(value("EventTimeStamp", "")).length > TIME_FORMAT_BYTES_MAX)
    notes.warn(
      at("EventTimeStamp"),
      "value",
      `option EventTimeStamp: the format is cut to ${TIME_FORMAT_BYTES_MAX} bytes`,
    );
  return options;
}

function checkWindows(options: ConfOptions, at: (name: string) => number, notes: Notes): void {
  const { window, personalWindow, acceleratedWindow } = options;
  const place = (...names: string[]) => Math.max(...names.map(at));
  if (personalWindow > window)
    notes.error(
      place("PersonalWindow", "Window"),
      "window",
      `PersonalWindow is ${personalWindow}, more than Window with ${window}: it must not be`,
    );
  if (acceleratedWindow <= personalWindow) return;
  const message = `AcceleratedWindow is ${acceleratedWindow}, more than PersonalWindow with ${personalWindow}`;
  // the daemon compares only where the file itself asks for the accelerated ring
  if (options.acceleratedRing === true)
    notes.error(place("AcceleratedWindow", "PersonalWindow"), "window", `${message}: it must not be`);
  else
    notes.warn(
      place("AcceleratedWindow", "PersonalWindow"),
      "window",
      `${message}: with "AcceleratedRing = true" the daemon would refuse the file`,
    );
}

function timeoutsOf(
  draft: Draft,
  wideAreaNetwork: boolean,
  notes: Notes,
): Pick<ConfOptions, "timeouts" | "timeoutsFrom"> {
  const defaults = wideAreaNetwork ? WAN_TIMEOUTS : LAN_TIMEOUTS;
  const set = TIMEOUT_NAMES.filter((name) => draft.settings.has(`${name}Timeout`));
  const timeoutsFrom = set.length > 0 ? "file" : wideAreaNetwork ? "WAN defaults" : "LAN defaults";
  const missing = TIMEOUT_NAMES.filter((name) => !set.includes(name)).map((name) => `${name}Timeout`);
  if (set.length > 0 && missing.length > 0) {
    const at = Math.min(...set.map((name) => draft.settings.get(`${name}Timeout`)!.at));
    notes.error(
      at,
      "timeouts",
      `${set.length} of the nine timeouts are set, and the daemon starts with all or none: add ${missing.join(", ")}`,
    );
  }
  const timeouts = Object.fromEntries(
    TIMEOUT_NAMES.map((name) => [name, draft.settings.get(`${name}Timeout`)?.value ?? defaults[name]]),
  );
  return { timeouts: timeouts as unknown as Timeouts, timeoutsFrom };
}

function authMethods(draft: Draft, notes: Notes): Pick<ConfOptions, "allowedAuthMethods" | "requiredAuthMethods"> {
  const list = (option: string): readonly string[] | undefined => {
    const setting = draft.settings.get(option);
    if (setting === undefined) return undefined;
    const methods = String(setting.value)
      .split(" ")
      .filter((name) => name !== "");
    for (const method of methods)
      if (!STOCK_AUTH_METHODS.has(method))
        notes.warn(
          setting.at,
          "auth-method",
          `option ${option}: the stock daemon has no method ${shown(method)} and ignores it (it has ${[...STOCK_AUTH_METHODS].join(" and ")})`,
        );
    return methods;
  };
  const allowed = list("AllowedAuthMethods");
  const required = list("RequiredAuthMethods");
  // giving either option removes the default
  const allowedAuthMethods = allowed ?? (required === undefined ? ["NULL"] : []);
  if (!allowedAuthMethods.some((method) => STOCK_AUTH_METHODS.has(method))) {
    const setting = draft.settings.get("AllowedAuthMethods") ?? draft.settings.get("RequiredAuthMethods");
    notes.warn(
      setting?.at ?? 0,
      "auth-method",
      'no authentication method is allowed: the daemon refuses every client; add AllowedAuthMethods = "NULL"',
    );
  }
  return { allowedAuthMethods, requiredAuthMethods: required ?? [] };
}
