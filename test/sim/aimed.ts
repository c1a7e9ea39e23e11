// Histories that are aimed: at one feature each, at the moments between two steps of the protocol, at the times at which something runs out, on clusters that are larger
// and slower than those of `drawHistory`. What chance finds in a million of those it finds here in some thousands.
import { type Random, seededRandom } from "../../lib/base/random.ts";
import { type Fault, type FaultKind, type History, type Left, MOMENTS, type Moment } from "./fault.ts";
import { drawHistory, type HistoryOptions } from "./history.ts";

interface Profile {
  readonly name: string;
  readonly kinds: readonly FaultKind[];
  /** Most of a fault's `atMs` after the one before. */
  readonly gapMs: number;
  readonly hosts?: readonly number[];
  readonly mode?: "available" | "safe";
  readonly left?: readonly Left[];
  /** Faults at the same moment, and at the times at which something runs out. */
  readonly timed?: number;
  readonly aimed?: number;
  readonly few?: number;
  readonly moments?: readonly Moment[];
  /** Half of them begin with this, and with something sudden at one of the moments that it brings. */
  readonly opening?: { readonly kind: FaultKind; readonly moments: readonly Moment[] };
  /** How often all have one daemon: 0.05 if not said. */
  readonly oneDaemon?: number;
}

const LEFT: readonly Left[] = [
  "nothing",
  "nothing",
  "nothing",
  "parted",
  "frozen process",
  "frozen daemon",
  "stranger",
  "flapping stranger and frozen process",
];
/** Times at which something is over: a beat, a detection, a merge, silence, an exchange in `safe`, leases, waits. */
const ENDS_MS = [100, 150, 180, 200, 220, 300, 500, 700, 900, 2_000, 2_500, 2_700, 3_000, 3_200, 4_000];

/** What comes from one moment to the next. */
const SUDDEN: readonly FaultKind[] = [
  "freeze",
  "freeze",
  "freeze daemon",
  "freeze daemon",
  "part",
  "kill",
  "kill hard",
  "crash",
  "kick",
];

export const PROFILES: readonly Profile[] = [
  {
    name: "dense",
    gapMs: 500,
    kinds: [
      "slow sending",
      "slow sending",
      "slow delivery",
      "stop",
      "kick",
      "kill",
      "kill hard",
      "freeze",
      "part",
      "part",
      "crash",
      "kill daemon",
      "freeze daemon",
      "drain",
      "move",
      "stranger",
      "health",
    ],
  },
  {
    name: "islands",
    gapMs: 700,
    hosts: [4, 5, 5, 6, 7],
    kinds: ["islands", "islands", "islands", "part", "freeze", "freeze daemon", "kill", "kick", "slow sending", "move"],
  },
  {
    name: "timed",
    gapMs: 700,
    timed: 0.7,
    kinds: [...SUDDEN, "kill daemon", "slow driver", "stranger"],
  },
  {
    name: "aimed",
    gapMs: 800,
    aimed: 0.6,
    kinds: [...SUDDEN, "kick", "kill daemon", "slow driver", "slow sending", "move", "stranger", "stop"],
  },
  {
    name: "two frozen",
    gapMs: 150,
    few: 3,
    timed: 0.5,
    kinds: ["freeze", "freeze daemon", "freeze", "freeze daemon", "kick", "kill", "part", "stranger", "kill daemon"],
  },
  {
    name: "returns",
    gapMs: 300,
    timed: 0.2,
    aimed: 0.3,
    kinds: ["kill", "kill hard", "crash", "kick", "kick", "stop", "kill daemon", "freeze", "freeze daemon", "part"],
  },
  {
    name: "maintenance",
    gapMs: 600,
    aimed: 0.35,
    moments: ["maintenance", "maintenance", "maintained", "maintained", "leased", "state", "view", "table", "connect"],
    opening: { kind: "maintenance", moments: ["maintenance", "maintenance", "maintained"] },
    oneDaemon: 0.2,
    kinds: [
      "maintenance",
      "maintenance",
      "maintenance",
      "maintenance off",
      "maintenance off",
      "part",
      "islands",
      "crash",
      "kill",
      "kill hard",
      "freeze",
      "freeze daemon",
      "kick",
      "carrier",
      "move",
      "rename",
      "undefine",
      "kill daemon",
      "kill others",
      "full disk",
      "stop",
      "stranger",
    ],
  },
  {
    name: "operator",
    gapMs: 300,
    aimed: 0.4,
    kinds: [
      "move",
      "move",
      "move",
      "drain",
      "drain",
      "balance",
      "forget",
      "part",
      "freeze",
      "freeze daemon",
      "kill",
      "kick",
      "slow driver",
      "slow sending",
      "stop",
      "health",
      "carrier",
      "can't acquire",
    ],
  },
  {
    name: "relist",
    gapMs: 600,
    mode: "safe",
    aimed: 0.5,
    moments: ["facts", "facts", "facts", "listed", "listed", "view", "state"],
    few: 5,
    kinds: [
      "relist",
      "relist many",
      "relist many",
      "relist many",
      "part",
      "part",
      "islands",
      "forget",
      "kill",
      "kill hard",
      "crash",
      "freeze",
      "freeze daemon",
      "kick",
      "kill daemon",
      "move",
    ],
  },
  {
    name: "definitions",
    gapMs: 500,
    aimed: 0.2,
    kinds: [
      "rename",
      "rename",
      "undefine",
      "undefine",
      "reweigh",
      "part",
      "part",
      "freeze",
      "freeze daemon",
      "slow driver",
      "kill",
      "kick",
      "crash",
      "carrier",
      "move",
      "can't acquire",
    ],
  },
  {
    name: "times",
    gapMs: 400,
    aimed: 0.3,
    timed: 0.2,
    kinds: [
      "retime",
      "retime",
      "retime",
      "freeze",
      "freeze",
      "freeze daemon",
      "kill hard",
      "part",
      "kick",
      "kill daemon",
      "crash",
      "slow sending",
    ],
  },
  {
    name: "carrier",
    gapMs: 300,
    aimed: 0.2,
    kinds: [
      "carrier",
      "carrier",
      "carrier",
      "health",
      "can't acquire",
      "part",
      "freeze",
      "freeze daemon",
      "kill",
      "kick",
      "move",
      "slow driver",
    ],
  },
];

export interface AimedOptions extends HistoryOptions {
  readonly profile?: string;
}

/** What a seed means. */
export function drawAimedHistory(seed: number, options: AimedOptions = {}): History {
  const random = seededRandom(seed * 48_271 + 11);
  const profile = PROFILES.find(({ name }) => name === options.profile) ?? pick(random, PROFILES);
  const mode = profile.mode ?? options.mode ?? (random() < 0.5 ? "safe" : "available");
  const { cluster } = drawHistory(seed, { ...options, mode });
  const hosts = pick(random, profile.hosts ?? [2, 3, 3, 3, 4, 4, 5, 6]);
  // In `safe` an absent host is waited for for some 4 s: what is over before harms nobody.
  const longMs = mode === "safe" ? 9_000 : 3_500;
  const count = 2 + Math.floor(random() * (profile.few ?? 8));
  const faults: Fault[] = [];
  const draw = () => ({ host: Math.floor(random() * hosts), with: Math.floor(random() * 3 ** hosts) });
  const { opening } = profile;
  if (opening !== undefined && random() < 0.5) {
    const forMs = () => Math.round(random() * longMs);
    faults.push({ atMs: 0, kind: pick(random, SUDDEN), ...draw(), forMs: forMs(), on: pick(random, opening.moments) });
    faults.push({ atMs: 0, kind: opening.kind, ...draw(), forMs: forMs() });
  }
  let atMs = 0;
  for (let nth = 0; nth < count; nth++) {
    const timed = random() < (profile.timed ?? 0);
    if (!timed) atMs += random() * profile.gapMs;
    else if (random() < 0.5) atMs += around(random, pick(random, ENDS_MS));
    const forMs =
      timed || random() < 0.3 ? around(random, pick(random, ENDS_MS)) : random() * (random() < 0.5 ? 500 : longMs);
    faults.push({
      atMs: Math.round(atMs),
      kind: pick(random, profile.kinds),
      forMs: Math.round(forMs),
      ...draw(),
      ...(random() < (profile.aimed ?? 0) && { on: pick(random, profile.moments ?? MOMENTS) }),
    });
  }
  const pace = random();
  return {
    seed,
    cluster: {
      ...cluster,
      hosts,
      vips: 1 + Math.floor(random() * 5),
      oneDaemon: random() < (profile.oneDaemon ?? 0.05),
      tiebreak: random() < 0.3,
      ...(random() < 0.3 && { drift: 0.024 }),
      probes: random() < (profile.name === "carrier" ? 0.5 : 0.05),
      ...(pace < 0.4 && { deliveryMs: 2 + random() * 30 }),
      ...(pace > 0.3 && pace < 0.6 && { sendingMs: 2 + random() * 30 }),
    },
    faults,
    left: pick(random, LEFT),
  };
}

/** A clock's error about it. */
function around(random: Random, ms: number): number {
  return Math.max(0, ms + (random() - 0.5) * (random() < 0.5 ? 100 : 10));
}

function pick<T>(random: Random, things: readonly T[]): T {
  return things[Math.floor(random() * things.length)]!;
}
