// The `[mole]` table: the cluster, its times, and the vips that it keeps covered (MODEL.md).
import * as v from "valibot";
import { formatDuration } from "../base/duration.ts";
import { formatNetwork, type IpNetwork, tryNetwork } from "../base/ip-address.ts";
import { LISTEN_FORM, parseListenAddress } from "../base/listen-address.ts";
import { duration, explained, integer, parsed } from "../base/schema.ts";
import { type Complaint, defineTable } from "../base/table.ts";
import { isGroupName } from "../spread/names.ts";
import { checkHealth, health } from "./health-table.ts";
import { checkHooks, hook } from "./hook-table.ts";
import { leastLeaseMs, leastMaturityMs } from "./times.ts";
import { checkVips, host, vip } from "./vip-table.ts";

/** Where `mole status` and its like find the mole. */
export const CONTROL_PATH = "/run/spreadbox/mole.ctl";
/** What outlives a restart: maintenance, the list of hosts, the last incarnation. */
export const STATE_DIR = "/var/lib/spreadbox/mole";

const METRICS_PORT = 9515;

const path = (example: string, empty = false) =>
  parsed(
    `an absolute path such as "${example}"${empty ? ', or "" for none' : ""}`,
    (text) => ((empty && text === "") || /^\/[^\0]*$/.test(text) ? text : undefined),
    { examples: [example] },
  );

const schema = v.strictObject({
  group: v.optional(
    v.pipe(
      parsed("a group name of 1 to 31 printable characters", (text) => (isGroupName(text) ? text : undefined)),
      v.description("The Spread group in which the cluster's moles meet"),
    ),
    "mole",
  ),
  host: v.optional(v.pipe(host, v.description("This host's name; left out, its short host name"))),
  hosts: v.optional(
    v.pipe(
      v.array(host, "a list of host names"),
      v.description('All hosts of the cluster; mode "safe" counts majorities by it, and status shows who is missing'),
    ),
    [],
  ),
  mode: v.optional(
    v.pipe(
      v.picklist(["available", "safe"], '"available" or "safe"'),
      v.description(
        "When the network parts: available: each part covers all; safe: only the part with more than half of the hosts, and take-over waits",
      ),
    ),
    "available",
  ),
  tiebreak: v.optional(v.pipe(host, v.description("The host whose half of an even number covers (mode safe)"))),
  capacity: v.optional(
    v.pipe(integer(1, 1_000_000), v.description("This host's share of the load, beside the other hosts'")),
    1,
  ),
  beat: v.optional(v.pipe(duration(), v.description("Between two signs of life")), "100ms"),
  silence: v.optional(
    v.pipe(
      duration(),
      v.description(
        "Who is silent for so long is thrown out; at least what the group service needs to notice a dead host, and 250ms",
      ),
    ),
    "1s",
  ),
  lease: v.optional(
    v.pipe(
      duration(),
      v.description(
        "The kernel removes an address that is not renewed for so long; whole seconds, at least silence + 500ms; left out, the least",
      ),
    ),
  ),
  maturity: v.optional(
    v.pipe(
      duration(),
      v.description(
        "How long a cluster that starts cold waits for all to come; at least silence + lease + 500ms; left out, the least",
      ),
    ),
  ),
  hold_down: v.optional(
    v.pipe(
      duration(),
      v.description("A host that comes back gets nothing that works elsewhere for so long; longer each time it flaps"),
    ),
    "5s",
  ),
  calm: v.optional(
    v.pipe(duration(), v.description("Vips are balanced, one by one, after nothing has happened for so long")),
    "2s",
  ),
  clock_bound: v.optional(
    v.pipe(duration(), v.description("By how much the hosts' clocks may drift apart over some seconds (mode safe)")),
    "100ms",
  ),
  all_failed: v.optional(
    v.pipe(
      v.picklist(["keep", "drop"], '"keep" or "drop"'),
      v.description("What becomes of a vip when health has failed on every host: it stays, or nobody has it"),
    ),
    "keep",
  ),
  key_file: v.optional(
    v.pipe(
      path("/etc/spreadbox/mole.key"),
      v.description("A secret of all hosts, at least 16 bytes: messages that are not sealed by it are ignored"),
    ),
  ),
  state_dir: v.optional(v.pipe(path(STATE_DIR), v.description("What outlives a restart is kept here")), STATE_DIR),
  control: v.optional(
    v.pipe(path(CONTROL_PATH, true), v.description('The socket for mole status and its like; "": none')),
    CONTROL_PATH,
  ),
  pid_file: v.optional(
    v.pipe(path("/run/spreadbox/mole.pid", true), v.description("Where to leave the process id")),
    "",
  ),
  metrics: v.optional(
    v.pipe(
      explained(LISTEN_FORM, (text) => parseListenAddress(text, METRICS_PORT), {
        examples: [`127.0.0.1:${METRICS_PORT}`],
      }),
      v.description("Where to give the counts as OpenMetrics, at /metrics; by default nowhere"),
    ),
  ),
  notify: v.optional(
    v.pipe(
      v.array(
        parsed('an address or a network such as "192.0.2.1" or "192.0.2.0/24"', tryNetwork, {
          examples: ["192.0.2.1", "192.0.2.0/24"],
        }),
        "a list of addresses and networks",
      ),
      v.description("Who is told of a new holder besides everybody on the wire: routers with minds of their own"),
    ),
    [],
  ),
  notify_rate: v.optional(
    v.pipe(integer(1, 100_000), v.description("How many packets a second go to the networks of notify")),
    200,
  ),
  vip: v.optional(
    v.pipe(v.array(vip), v.description("One indivisible set of addresses, kept covered by exactly one host")),
    [],
  ),
  health: v.optional(v.pipe(v.array(health), v.description("What has to work on a host for it to hold vips")), []),
  hook: v.optional(v.pipe(v.array(hook), v.description("Programs that are told what happens")), []),
});

/** What `[mole]` says. */
export type MoleTable = v.InferOutput<typeof schema>;

export const moleTable = defineTable({
  name: "mole",
  summary: "mole keeps every vip (a set of addresses) covered by exactly one live host",
  schema,
  check: (table) => {
    const names = table.vip.map(({ name }) => name);
    return [
      ...checkVips(table.vip),
      ...checkHealth(table.health, names),
      ...checkHooks(table.hook, names),
      ...checkTimes(table),
      ...checkHosts(table),
      ...checkNotify(table.notify),
    ];
  },
  starter: `\
# The same on all hosts, but for what is said of one host (host, capacity, health).
# hosts = ["node1", "node2", "node3"]
# When the network parts: "available": each part covers all; "safe": only the part with more than half of the hosts,
# and a take-over waits until the other holder's leases have ended.
# mode = "available"
# A secret of all hosts: head -c 32 /dev/urandom > /etc/spreadbox/mole.key; chmod 600 /etc/spreadbox/mole.key
# key_file = "/etc/spreadbox/mole.key"
# Who is silent for so long is thrown out. At least what the group service needs to notice a dead host, and 250ms:
# 1s for spreadd, 3500ms for a real Spread with its default timeouts. "mole preflight" looks at all of this.
# silence = "1s"
# capacity = 1
# metrics = "127.0.0.1:${METRICS_PORT}"
# notify = ["192.0.2.1"]

# A vip: one set of addresses that always moves as a whole.
# [[mole.vip]]
# name = "web"
# addresses = ["192.0.2.10", "2001:db8::10"]
# The device the addresses go to; left out, the one that has their subnet.
# device = "eth0"
# label = "eth0:web"
# Hosts that take it if they can, the best first; hosts that may hold it at all; its share of a host's load.
# prefer = ["node1"]
# only = ["node1", "node2", "node3"]
# weight = 1

# What has to work on a host for it to hold a vip: one of command, process, tcp and http.
# [[mole.health]]
# name = "nginx"
# vips = ["web"]
# http = "http://127.0.0.1/health"
# interval = "2s"
# timeout = "1s"
# rise = 2
# fall = 3

# Programs that are told what happens; they never hold up a take-over. Facts are in MOLE_EVENT, MOLE_VIP, MOLE_ADDRESSES, ...
# [[mole.hook]]
# on = ["acquire", "release"]
# command = ["/usr/local/bin/on-move"]
# timeout = "10s"
`,
});

/** A beat may be late, and one may be lost in a stall, without anybody being thrown out. */
const BEATS_OF_SILENCE = 4;
/** Real group services find a dead host within five seconds. */
const SILENCE_MOST_MS = 60_000;
const LEASE_MOST_MS = 120_000;

function checkTimes(table: MoleTable): readonly Complaint[] {
  const complaints: Complaint[] = [];
  const complain = (key: string, code: string, message: string) => complaints.push({ path: [key], code, message });
  const { beat, silence, lease, maturity } = table;
  const least = leastLeaseMs(silence);
  if (beat < 10) complain("beat", "short", `is ${formatDuration(beat)}; expected at least 10ms`);
  if (silence < BEATS_OF_SILENCE * beat)
    complain(
      "silence",
      "short",
      `is ${formatDuration(silence)}; expected at least ${BEATS_OF_SILENCE} beats (${formatDuration(BEATS_OF_SILENCE * beat)})`,
    );
  // All wait by the longest that any host has told, and remember it: a slip of the pen on one host must not cost all of them minutes.
  if (silence > SILENCE_MOST_MS)
    complain(
      "silence",
      "long",
      `is ${formatDuration(silence)}; expected at most ${formatDuration(SILENCE_MOST_MS)}: a dead host's vips stay uncovered for so long`,
    );
  if (lease !== undefined && lease % 1_000 !== 0)
    complain("lease", "seconds", `is ${formatDuration(lease)}; the kernel counts whole seconds`);
  else if (lease !== undefined && lease < least)
    complain(
      "lease",
      "short",
      `is ${formatDuration(lease)}; expected at least silence + 500ms in whole seconds (${formatDuration(least)})`,
    );
  else if (lease !== undefined && lease > LEASE_MOST_MS)
    complain(
      "lease",
      "long",
      `is ${formatDuration(lease)}; expected at most ${formatDuration(LEASE_MOST_MS)}: a hung host's vips stay uncovered for so long`,
    );
  const leastMaturity = leastMaturityMs(silence, lease ?? least);
  if (maturity !== undefined && maturity < leastMaturity)
    complain(
      "maturity",
      "short",
      `is ${formatDuration(maturity)}; expected at least silence + lease + 500ms (${formatDuration(leastMaturity)})`,
    );
  return complaints;
}

function checkHosts({ hosts, tiebreak, mode, host: own, vip: vips }: MoleTable): readonly Complaint[] {
  const complaints: Complaint[] = [];
  for (const [at, name] of hosts.entries())
    if (hosts.indexOf(name) !== at)
      complaints.push({ path: ["hosts", at], code: "twice", message: `names ${JSON.stringify(name)} twice` });
  if (mode === "safe" && hosts.length < 2)
    complaints.push({
      path: ["mode"],
      code: "no-hosts",
      message: 'is "safe", which counts majorities: name all hosts of the cluster in "hosts"',
    });
  if (hosts.length === 0) return complaints;
  const unlisted = (path: Complaint["path"], name: string) =>
    complaints.push({ path, code: "unlisted", message: `${JSON.stringify(name)} is not in "hosts"` });
  if (tiebreak !== undefined && !hosts.includes(tiebreak)) unlisted(["tiebreak"], tiebreak);
  if (own !== undefined && !hosts.includes(own)) unlisted(["host"], own);
  for (const [at, { prefer, only }] of vips.entries()) {
    for (const [nth, name] of prefer.entries()) if (!hosts.includes(name)) unlisted(["vip", at, "prefer", nth], name);
    for (const [nth, name] of (only ?? []).entries())
      if (!hosts.includes(name)) unlisted(["vip", at, "only", nth], name);
  }
  return complaints;
}

/** A network is told address by address. */
const NETWORK_BITS_MOST = 12;

function checkNotify(notify: readonly IpNetwork[]): readonly Complaint[] {
  return notify.flatMap((network, at) => {
    const bits = network.address.bytes.length * 8;
    if (bits - network.prefixBits <= NETWORK_BITS_MOST) return [];
    const message = `${formatNetwork(network)} has too many addresses to tell each: expected at most a /${bits - NETWORK_BITS_MOST}`;
    return [{ path: ["notify", at], code: "large", message }];
  });
}
