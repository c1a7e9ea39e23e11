// The options of spread.conf: what each takes, where its bounds are (PROTOCOL.md 12.3), and every word that the daemon's reader keeps
// for itself, so that none of them can be a daemon's name unless quoted (12.1).

/** What stands behind an option's "=". */
export type OptionForm =
  | "text" // any word that is not reserved, or a quoted string
  | "text or nothing" // EventTimeStamp: with or without "= FORMAT"
  | "nothing"
  | "bool"
  | "on-off-auto"
  | "number"
  | "level"
  | "flags"
  | "block"; // options of Spread 4 whose content we skip

export interface OptionRule {
  readonly name: string;
  readonly form: OptionForm;
  /** Of a number: the smallest the daemon takes. */
  readonly least?: number;
  /** Of a text: the longest the daemon takes, in bytes. */
  readonly mostBytes?: number;
  /** Spread 5 refuses it. */
  readonly onlySpread4?: true;
}

/** The nine timeouts, in the order of the daemon's own list. All or none may be set. */
export const TIMEOUT_NAMES = ["Token", "Hurry", "Alive", "Join", "Rep", "Seg", "Gather", "Form", "Lookup"] as const;
export type TimeoutName = (typeof TIMEOUT_NAMES)[number];

/** Milliseconds, by the name without "Timeout". */
export type Timeouts = Readonly<Record<TimeoutName, number>>;

export const LAN_TIMEOUTS: Timeouts = {
  Token: 1_250,
  Hurry: 500,
  Alive: 250,
  Join: 250,
  Rep: 625,
  Seg: 500,
  Gather: 1_250,
  Form: 1_250,
  Lookup: 30_000,
};

export const WAN_TIMEOUTS: Timeouts = {
  Token: 5_000,
  Hurry: 1_500,
  Alive: 250,
  Join: 250,
  Rep: 1_250,
  Seg: 500,
  Gather: 2_500,
  Form: 2_500,
  Lookup: 45_000,
};

const RULES: readonly OptionRule[] = [
  { name: "EventLogFile", form: "text" },
  { name: "EventTimeStamp", form: "text or nothing" },
  { name: "EventPreciseTimeStamp", form: "nothing" },
  { name: "EventPriority", form: "level" },
  { name: "DebugFlags", form: "flags" },
  { name: "DangerousMonitor", form: "bool" },
  { name: "SocketPortReuse", form: "on-off-auto" },
  { name: "RuntimeDir", form: "text", mostBytes: 4_096 },
  { name: "DaemonUser", form: "text", mostBytes: 32 },
  { name: "DaemonGroup", form: "text", mostBytes: 32 },
  { name: "AllowedAuthMethods", form: "text" },
  { name: "RequiredAuthMethods", form: "text" },
  { name: "AccessControlPolicy", form: "text" },
  { name: "MaxSessionMessages", form: "number", least: 0 },
  { name: "ActiveIPVersion", form: "text" },
  { name: "Window", form: "number", least: 1 },
  { name: "PersonalWindow", form: "number", least: 1 },
  { name: "AcceleratedRing", form: "bool" },
  { name: "AcceleratedWindow", form: "number", least: 0 },
  { name: "WideAreaNetwork", form: "bool" },
  { name: "ExcludeSegAddrsFromHash", form: "bool" },
  { name: "IgnoreMulticastJoinErrors", form: "bool" },
  ...TIMEOUT_NAMES.map((name): OptionRule => ({ name: `${name}Timeout`, form: "number", least: 1 })),
  { name: "LinkProtocol", form: "block", onlySpread4: true },
  { name: "RouteMatrix", form: "block", onlySpread4: true },
];

/** Every option, by its exact name: the daemon's keywords are case-sensitive. */
export const OPTIONS: ReadonlyMap<string, OptionRule> = new Map(RULES.map((rule) => [rule.name, rule]));

export const LEVELS: ReadonlySet<string> = new Set(["pDEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "FATAL"]);

export const DEBUG_FLAGS: ReadonlySet<string> = new Set([
  ...[
    "ALL",
    "NONE",
    "EXIT",
    "PRINT",
    "DEBUG",
    "DATA_LINK",
    "MEMORY",
    "EVENTS",
    "NETWORK",
    "PROTOCOL",
    "SESSION",
    "CONFIGURATION",
  ],
  ...["MEMBERSHIP", "FLOW_CONTROL", "STATUS", "GROUPS", "SKIPLIST", "ACM", "SECURITY"],
]);

/** The authentication methods that the stock daemon has built in; it ignores any other name without a word that one sees by default. */
export const STOCK_AUTH_METHODS: ReadonlySet<string> = new Set(["NULL", "IP"]);

/** What the daemon takes where nothing is set, as it prints them in its own sample. */
export const DEFAULT_WINDOWS = { window: 160, personalWindow: 20, acceleratedWindow: 15 } as const;
export const DEFAULT_SESSION_MESSAGES = 1_000;
