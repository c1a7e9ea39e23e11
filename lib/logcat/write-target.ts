// Where a [[logcat.write]] writes to, as an operator writes it: "file:/var/log/cluster/%host%/%app%.log", "archive:/var/lib/spreadbox/archive", "exec:COMMAND", "syslog:tcp:loghost:601".
import { Fault } from "../base/fault.ts";
import { formatListenAddress, type ListenAddress, parseListenAddress } from "../base/listen-address.ts";
import { nearest } from "../base/nearest.ts";
import { formatRemoteAddress, REMOTE_PORTS, type RemoteAddress, tryRemoteAddress } from "../sink/remote-address.ts";
import { parseTemplate, type Template } from "../syslog/template.ts";

export type WriteTarget =
  /** A file for each path that the template gives; one, where it is constant. */
  | { readonly kind: "file"; readonly path: Template }
  /** A directory that is made for search. */
  | { readonly kind: "archive"; readonly path: string }
  /** Run by the shell; its stdin gets the records. */
  | { readonly kind: "exec"; readonly command: string }
  /** A server that takes syslog. */
  | ({ readonly kind: "syslog"; readonly by: keyof typeof REMOTE_PORTS } & RemoteAddress)
  /** Counts, given over HTTP, or written to a file for who collects these. */
  | { readonly kind: "metrics"; readonly at: ListenAddress | { readonly path: string } };

/** What a target looks like, for messages and help. */
export const TARGET_FORM =
  'a destination such as "file:/var/log/cluster/%host%/%app%.log", "exec:COMMAND", "syslog:tcp:loghost:601" (udp, tls) or "metrics:127.0.0.1:9517"';
/** Where metrics are given if no port is said. */
const METRICS_PORT = 9_517;

const READERS: Readonly<Record<WriteTarget["kind"], (text: string, rest: string) => WriteTarget>> = {
  file: (text, path) => ({ kind: "file", path: parseTemplate(filePath(text, path)) }),
  archive: (text, path) => ({ kind: "archive", path: checkedPath(text, path).replace(/(?<=.)\/$/, "") }),
  exec: readExec,
  syslog: readSyslog,
  metrics: readMetrics,
};

/**
 * Reads a target.
 * @throws {Fault} kind "config", code "destination": an unknown kind, with the nearest known one; or what is wrong behind it
 */
export function parseWriteTarget(text: string): WriteTarget {
  const colon = text.indexOf(":");
  if (colon < 0) refuse(text, `expected ${TARGET_FORM}`, text.startsWith("/") ? `file:${text}` : undefined);
  const kind = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (Object.hasOwn(READERS, kind)) return READERS[kind as WriteTarget["kind"]](text, rest);
  const meant = nearest(kind, Object.keys(READERS));
  return refuse(text, `expected ${TARGET_FORM}`, meant === undefined ? undefined : `${meant}:${rest}`);
}

/** Writes what `parseWriteTarget` reads; the same text for the same target. */
export function formatWriteTarget(target: WriteTarget): string {
  switch (target.kind) {
    case "file":
      return `file:${target.path.text}`;
    case "archive":
      return `archive:${target.path}`;
    case "exec":
      return `exec:${target.command}`;
    case "syslog":
      return `syslog:${target.by}:${formatRemoteAddress(target)}`;
    case "metrics":
      return `metrics:${"path" in target.at ? target.at.path : formatListenAddress(target.at)}`;
    default:
      return target satisfies never;
  }
}

function filePath(text: string, path: string): string {
  if (path.endsWith("/")) refuse(text, "this is a directory");
  return checkedPath(text, path);
}

function readExec(text: string, rest: string): WriteTarget {
  const command = rest.trim();
  if (command === "" || command.includes("\0")) refuse(text, "expected a command, which the shell runs");
  return { kind: "exec", command };
}

function readSyslog(text: string, rest: string): WriteTarget {
  const [, by, address = ""] = /^(udp|tcp|tls):(.*)$/s.exec(rest) ?? [];
  const form = 'expected "syslog:udp:HOST:PORT", "syslog:tcp:..." or "syslog:tls:..."; IPv6 in brackets';
  if (by !== "udp" && by !== "tcp" && by !== "tls") return refuse(text, form);
  const remote = tryRemoteAddress(address, REMOTE_PORTS[by]);
  return remote === undefined ? refuse(text, form) : { kind: "syslog", by, ...remote };
}

function readMetrics(text: string, rest: string): WriteTarget {
  if (rest.startsWith("/")) return { kind: "metrics", at: { path: filePath(text, rest) } };
  try {
    return { kind: "metrics", at: parseListenAddress(rest, METRICS_PORT) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return refuse(text, 'expected an address and a port such as "metrics:127.0.0.1:9517", or the path of a file');
  }
}

/** The path as it is meant: absolute. */
function checkedPath(text: string, path: string): string {
  const kind = text.slice(0, text.indexOf(":"));
  if (!path.startsWith("/")) refuse(text, "a path begins with /", path === "" ? undefined : `${kind}:/${path}`);
  if (path.includes("\0")) refuse(text, "a path holds no NUL");
  return path.replace(/\/{2,}/g, "/");
}

function refuse(text: string, wanted: string, meant?: string): never {
  const proposal = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  throw new Fault("config", "destination", `unknown destination ${JSON.stringify(text)}: ${wanted}${proposal}`);
}
