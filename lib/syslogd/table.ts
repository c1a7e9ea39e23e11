// The daemon's table of the config file.
import * as v from "valibot";
import { LISTEN_FORM, parseListenAddress } from "../base/listen-address.ts";
import { processKeys } from "../base/process-settings.ts";
import { explained, parsed } from "../base/schema.ts";
import { type Complaint, defineTable } from "../base/table.ts";
import type { DirectedRule } from "./directed-rule.ts";
import { parseRate, RATE_FORM } from "./rate-limit.ts";
import { checkRules } from "./rule-check.ts";
import { directedRule, ruleSchema } from "./rule-table.ts";
import { whyNotKept } from "./sink-settings.ts";
import { checkSinks, queueBytes, SINK_STARTER, sinkEntriesOf, sinkKeys } from "./sink-table.ts";
import { checkSources, SOURCE_STARTER, sourceKeys } from "./source-table.ts";

/** What is done where no rule is given: what most hosts do, and nothing that leaves the host. Secrets are in what `auth` and `authpriv` say. */
const DEFAULT_RULES = [
  { select: "*.info;auth,authpriv.none", to: "file:/var/log/messages" },
  { select: "auth,authpriv.*", to: "file:/var/log/auth.log" },
];

const PATH_FORM = 'an absolute path such as "/dev/log", or an abstract name such as "@log"';

/** Where `syslogd status` looks for the daemon. */
export const CONTROL_PATH = "/run/spreadbox/syslogd.ctl";
const CONTROL_FORM = `an absolute path such as "${CONTROL_PATH}", or "" for none`;
const METRICS_PORT = 9514;

const schema = v.strictObject({
  socket: v.pipe(
    v.optional(
      v.array(parsed(PATH_FORM, (text) => (/^[/@]./.test(text) ? text : undefined), { examples: ["/dev/log"] })),
      [],
    ),
    v.description(
      "unix datagram sockets to listen on; none: the one that systemd passes, else where journald forwards to, else /dev/log",
    ),
  ),
  take_devlog: v.pipe(
    v.optional(v.boolean("true or false"), false),
    v.description("put a socket of ours where journald has its link, at /dev/log"),
  ),
  udp: v.pipe(
    v.optional(v.array(explained(LISTEN_FORM, parseListenAddress, { examples: ["0.0.0.0:514", "[::]:514"] })), []),
    v.description("addresses to listen on for messages from the network"),
  ),
  ...sourceKeys,
  kernel: v.pipe(
    v.optional(v.picklist(["auto", "yes", "no"], '"auto", "yes" or "no"'), "auto"),
    v.description("read the kernel's messages; auto: where programs log to our /dev/log"),
  ),
  host: v.pipe(
    v.optional(
      parsed("a host name of at most 255 printable characters", (text) =>
        /^[\x21-\x7e]{1,255}$/.test(text) ? text : undefined,
      ),
    ),
    v.description("this host's name in records; by default what the system calls it"),
  ),
  queue: v.pipe(
    v.optional(queueBytes(), "8MiB"),
    v.description(
      "what each sink may keep in memory while its destination is away; then records go to its spool, or, where it has none, the newest are dropped and counted",
    ),
  ),
  rate: v.pipe(
    v.optional(explained(RATE_FORM, parseRate, { examples: ["1000/5s"] })),
    v.description(
      "hold back and report what a sender (a program of this host, an address) says beyond this; by default nothing is",
    ),
  ),
  summarise_repeats: v.pipe(
    v.optional(v.boolean("true or false"), false),
    v.description("say once what a sender repeats, and how often"),
  ),
  ...processKeys,
  control: v.pipe(
    v.optional(
      parsed(CONTROL_FORM, (text) => (/^(?:\/[^\0]*)?$/.test(text) ? text : undefined), { examples: [CONTROL_PATH] }),
      CONTROL_PATH,
    ),
    v.description('the socket for syslogd status, stats, reload and reopen; "": none'),
  ),
  metrics: v.pipe(
    v.optional(
      explained(LISTEN_FORM, (text) => parseListenAddress(text, METRICS_PORT), {
        examples: [`127.0.0.1:${METRICS_PORT}`],
      }),
    ),
    v.description("where to give the counts as OpenMetrics, at /metrics; by default nowhere"),
  ),
  ...sinkKeys,
  rule: v.pipe(
    v.optional(v.array(ruleSchema), DEFAULT_RULES),
    v.description("what goes where; a record goes to every sink whose rule takes it, once"),
  ),
});

export type SyslogdTable = v.InferOutput<typeof schema>;

/** The rules of a table, for the router. */
export function rulesOf(table: SyslogdTable): readonly DirectedRule[] {
  return table.rule.map(directedRule);
}

export const syslogdTable = defineTable({
  name: "syslogd",
  summary: "the syslog daemon: takes log messages and delivers them by rule to files, hosts, users and Spread groups",
  schema,
  check: checkMeaning,
  starter: `# Where messages come from. Without "socket": what systemd passes, else where journald forwards to, else /dev/log.
# socket = ["/dev/log"]
# udp = ["0.0.0.0:514"]
# Commands of operators, and counts for a collector.
# control = "/run/spreadbox/syslogd.ctl"
# metrics = "127.0.0.1:9514"
# rate = "1000/5s"
# summarise_repeats = true
# pid_file = "/run/spreadbox/syslogd.pid"
# umask = "0027"
# Who to be when all is open.
# user = "syslog"
# group = "adm"
${SOURCE_STARTER}
# Where they go. A record goes to every sink whose rule takes it. Without rules: these two.
# [[syslogd.rule]]
# select = "*.info;auth,authpriv.none"
# to = "file:/var/log/messages"

# [[syslogd.rule]]
# select = "auth,authpriv.*"
# to = "file:/var/log/auth.log"

# What one service says, in a form of your own; the rules below do not see these records.
# [[syslogd.rule]]
# select = "local0.*"
# program = "app,app-*"
# host = "!gw"
# match = "^(GET|POST) "
# property = [':procid, !isempty']
# to = "file:/var/log/requests.log"
# template = "%timereceived% %host% %app%: %msg%"
# stop = true

# All of it to Spread groups, one for each facility (the daemon is named in [spread]).
# [[syslogd.rule]]
# select = "*.*"
# to = "group:log.%facility%"
# acks = 2          # keep each record until recorders (logcat record) on two hosts have it on disk

# To another host, by TCP (udp, tls); to who is logged in; to a program's stdin, a line each.
# [[syslogd.rule]]
# select = "*.notice"
# to = "tcp:loghost:601"

# [[syslogd.rule]]
# select = "*.emerg"
# to = "users:*"
${SINK_STARTER}`,
});

function checkMeaning(table: SyslogdTable): readonly Complaint[] {
  const rules = rulesOf(table);
  return [...wrongRules(table), ...checkSources(table), ...checkSinks(table, rules), ...unkeptRules(table, rules)];
}

function unkeptRules(table: SyslogdTable, rules: readonly DirectedRule[]): Complaint[] {
  const settings = { entries: sinkEntriesOf(table), spoolDirectory: table.spool_directory };
  return rules.flatMap((rule, index) => {
    const why = whyNotKept(rule, settings);
    return why === undefined ? [] : complaint(["rule", index, "acks"], "no-use", why);
  });
}

function wrongRules(table: SyslogdTable): Complaint[] {
  return checkRules(rulesOf(table)).map(({ index, key, code, message }) =>
    complaint(["rule", index, ...keyOf(table.rule[index]!, key)], code, message),
  );
}

function keyOf(
  entry: SyslogdTable["rule"][number],
  key: "select" | "to" | "format" | "acks" | undefined,
): readonly string[] {
  if (key === "format" && entry.template !== undefined) return ["template"];
  return key === undefined ? [] : [key];
}

function complaint(path: Complaint["path"], code: string, message: string): Complaint {
  return { path, code, message };
}
