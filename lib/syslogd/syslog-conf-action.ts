// What a rule of a syslog.conf does with its records, as keys of ours.
import { Fault } from "../base/fault.ts";
import type { RawRule } from "./rule-table.ts";
import type { RawSink } from "./sink-table.ts";
import { withoutComment } from "./syslog-conf-lines.ts";

export interface ConfAction {
  readonly keys: Pick<RawRule, "to" | "stop" | "format">;
  /** What its sink is told, as keys of [[syslogd.sink]]. */
  readonly sink?: RawSink;
  /** What of it has no equivalent. */
  readonly notes: readonly string[];
}

/** Where classic daemons send, if no port is given (RFC 5426; rsyslog sends by TCP there too), and by TLS (RFC 5425). */
const PORTS = { udp: 514, tcp: 514, tls: 6514 } as const;

/** Names that options of an action have for a form. */
const FORMATS: Readonly<Record<string, NonNullable<RawRule["format"]>>> = {
  rfc5424: "rfc5424",
  rfc3164: "rfc3164",
  bsd: "rfc3164",
  rsyslog_traditionalfileformat: "traditional",
  rsyslog_traditionalforwardformat: "rfc3164",
  rsyslog_syslogprotocol23format: "rfc5424",
};

/** @throws {Fault} kind "config", code "action": it is none that has an equivalent */
export function readAction(written: string): ConfAction {
  const isCommand = written.startsWith("|") && !written.startsWith("|/"); // the shell knows its own comments
  const text = isCommand ? written : withoutComment(written);
  if (text === "~" || text === "stop") return { keys: { stop: true }, notes: [] };
  if (isCommand) return { keys: { to: commandOf(text.slice(1)) }, notes: [] };
  const [, action, options] = /^([^;]*?)\s*(?:;\s*(.*))?$/s.exec(text)!;
  const to = targetOf(action!);
  if (options === undefined) return { keys: { to, ...formatFor(to) }, notes: [] };
  return withOptions(
    to,
    options.split(",").map((option) => option.trim()),
  );
}

function withOptions(to: string, options: readonly string[]): ConfAction {
  let format: RawRule["format"];
  let sink: ConfAction["sink"];
  const notes: string[] = [];
  for (const option of options) {
    const rotation = to.startsWith("file:") ? /^rotate=(\d+)([kMG])?(?::(\d{1,4}))?$/.exec(option) : null;
    if (rotation !== null) {
      sink = { of: to, ...rotationOf(rotation[1]!, rotation[2], rotation[3]) };
      continue;
    }
    const known = FORMATS[option.toLowerCase()];
    if (known === undefined) notes.push(`option ${JSON.stringify(option)} of ${to} has no equivalent here`);
    else format = known;
  }
  const isUsual = to.startsWith("group:") || (format === "traditional" && to.startsWith("file:"));
  const keys = { to, ...(format === undefined || isUsual ? formatFor(to) : { format }) };
  return { keys, ...(sink === undefined ? {} : { sink }), notes };
}

/** sysklogd's `rotate=SIZE:COUNT`: k, M and G are binary there. */
function rotationOf(size: string, unit: string | undefined, count: string | undefined): Omit<RawSink, "of"> {
  const units: Readonly<Record<string, string>> = { k: "KiB", M: "MiB", G: "GiB" };
  return {
    rotate_size: `${size}${unit === undefined ? "B" : units[unit]!}`,
    ...(count === undefined ? {} : { rotate_keep: Number(count) }),
  };
}

/** What a classic daemon sends, and its receivers may know nothing else. */
function formatFor(to: string): Pick<RawRule, "format"> {
  return /^(?:udp|tcp|tls):/.test(to) ? { format: "rfc3164" } : {};
}

function targetOf(action: string): string {
  if (action === "/dev/console" || action === "-/dev/console") return "console";
  if (/^-?\/dev\/tty/.test(action)) return `console:${action.replace(/^-/, "")}`;
  if (/^-?\//.test(action)) return `file:${action.replace(/^-/, "").replaceAll("%", "%%")}`;
  if (action.startsWith("|")) return `fifo:${action.slice(1).trim()}`;
  if (action.startsWith("@spread:")) return `group:${action.slice("@spread:".length)}`;
  if (action.startsWith("@")) return remoteOf(action);
  const users = action.replace(/^:omusrmsg:/, "");
  if (users === "*" || /^[a-z_][\w.-]*\$?(\s*,\s*[a-z_][\w.-]*\$?)*$/i.test(users))
    return `users:${users.replace(/\s/g, "")}`;
  throw new Fault("config", "action", `action ${JSON.stringify(action)} has no equivalent here`);
}

/** `@host`, `@@host`, `@tls://host`, each with or without a port; IPv6 in brackets. */
function remoteOf(action: string): string {
  const [, signs, scheme, host, port] =
    /^(@@?)\s*(?:(udp|tcp|tls)[46]?:\/\/)?(\[[\da-f:.]+\]|[^\s:[\]()]+)(?::(\d{1,5}|syslog))?$/i.exec(action) ?? [];
  if (host === undefined)
    throw new Fault(
      "config",
      "action",
      `action ${JSON.stringify(action)} has no equivalent here, expected @host or @@host`,
    );
  const by = (scheme?.toLowerCase() ?? (signs === "@@" ? "tcp" : "udp")) as keyof typeof PORTS;
  return `${by}:${host}:${port === undefined || port === "syslog" ? PORTS[by] : port}`;
}

/** `|command`, `|"command"`: its stdin gets the records. */
function commandOf(text: string): string {
  const command = text.trim().replace(/^(?:exec\s+)?"(.*)"(?:\s+#[^"]*)?$/s, "$1");
  if (command === "") throw new Fault("config", "action", '"|" names no FIFO and no command');
  return `program:${command}`;
}
