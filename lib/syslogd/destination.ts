// Where a rule sends records, as an operator writes it: "file:/var/log/messages", "group:log.%facility%", "tcp:loghost:601", "users:root".
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { formatRemoteAddress, REMOTE_PORTS, type RemoteAddress, tryRemoteAddress } from "../sink/remote-address.ts";
import { parseTemplate, type Template } from "../syslog/template.ts";

export type Destination =
  | { readonly kind: "file"; readonly path: string }
  /** A file for each path that the template gives. */
  | { readonly kind: "files"; readonly path: Template }
  | { readonly kind: "group"; readonly name: Template }
  | ({ readonly kind: "udp" | "tcp" | "tls" } & RemoteAddress)
  | { readonly kind: "fifo"; readonly path: string }
  /** Run by the shell; its stdin gets the records. */
  | { readonly kind: "program"; readonly command: string }
  /** The terminals of those who are logged in. */
  | { readonly kind: "users"; readonly users: readonly string[] | "all" }
  | { readonly kind: "console"; readonly path: string };

/** What has a queue of records in our own form before it, and something that carries them. */
export type QueuedDestination = Exclude<Destination, { kind: "file" | "files" | "group" }>;

/** What a destination looks like, for messages and help. */
export const DESTINATION_FORM =
  'a sink such as "file:/var/log/messages", "group:log.%facility%", "tcp:loghost:601" (udp, tls), "fifo:/run/x", "program:COMMAND", "users:root,amy" (users:* are all) or "console"';

export const CONSOLE_PATH = "/dev/console";

const READERS: Readonly<Record<string, (text: string, rest: string) => Destination>> = {
  file: readFile,
  group: readGroup,
  udp: readRemote("udp"),
  tcp: readRemote("tcp"),
  tls: readRemote("tls"),
  fifo: (text, path) => ({ kind: "fifo", path: checkedPath(text, path, "fifo") }),
  program: readProgram,
  users: readUsers,
  console: (text, path) => ({ kind: "console", path: checkedPath(text, path, "console") }),
};

/**
 * Reads a destination.
 * @throws {Fault} kind "config", code "sink": an unknown kind, with the nearest known one; or what is wrong behind it
 */
export function parseDestination(text: string): Destination {
  if (text === "console") return { kind: "console", path: CONSOLE_PATH };
  const colon = text.indexOf(":");
  if (colon < 0) refuse(text, `expected ${DESTINATION_FORM}`, text.startsWith("/") ? `file:${text}` : meantAlone(text));
  const kind = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (Object.hasOwn(READERS, kind)) return READERS[kind]!(text, rest);
  const meant = nearest(kind, Object.keys(READERS));
  return refuse(text, `expected ${DESTINATION_FORM}`, meant === undefined ? undefined : `${meant}:${rest}`);
}

/** Writes what `parseDestination` reads; the same text for the same destination. */
export function formatDestination(destination: Destination): string {
  switch (destination.kind) {
    case "file":
      return `file:${destination.path.replaceAll("%", "%%")}`;
    case "files":
      return `file:${destination.path.text}`;
    case "group":
      return `group:${destination.name.text}`;
    case "udp":
    case "tcp":
    case "tls":
      return `${destination.kind}:${formatRemoteAddress(destination)}`;
    case "fifo":
      return `fifo:${destination.path}`;
    case "program":
      return `program:${destination.command}`;
    case "users":
      return `users:${destination.users === "all" ? "*" : destination.users.join(",")}`;
    case "console":
      return destination.path === CONSOLE_PATH ? "console" : `console:${destination.path}`;
    default:
      return destination satisfies never;
  }
}

function readFile(text: string, path: string): Destination {
  const template = parseTemplate(checkedPath(text, path, "file").replace(/\/{2,}/g, "/"));
  if (!template.isConstant) return { kind: "files", path: template };
  return { kind: "file", path: template.text.replaceAll("%%", "%") };
}

function checkedPath(text: string, path: string, kind: string): string {
  if (!path.startsWith("/"))
    refuse(text, `a ${kind}'s path begins with /`, path === "" ? undefined : `${kind}:/${path}`);
  if (path.endsWith("/")) refuse(text, "this is a directory");
  if (path.includes("\0")) refuse(text, "a path holds no NUL");
  return path;
}

function readGroup(text: string, name: string): Destination {
  if (name === "") refuse(text, "a group has a name");
  return { kind: "group", name: parseTemplate(name) };
}

function readRemote(kind: "udp" | "tcp" | "tls"): (text: string, rest: string) => Destination {
  return (text, rest) => {
    const address = tryRemoteAddress(rest, REMOTE_PORTS[kind]);
    if (address === undefined)
      refuse(text, `expected a host and a port, such as "${kind}:loghost:${REMOTE_PORTS[kind]}"; IPv6 in brackets`);
    return { kind, ...address };
  };
}

function readProgram(text: string, rest: string): Destination {
  const command = rest.trim();
  if (command === "") refuse(text, "expected a command, which the shell runs");
  if (command.includes("\0")) refuse(text, "a command holds no NUL");
  return { kind: "program", command };
}

function readUsers(text: string, rest: string): Destination {
  if (rest === "*") return { kind: "users", users: "all" };
  const users = rest.split(",").map((name) => name.trim());
  if (!users.every((name) => /^[a-z_][\w.-]*\$?$/i.test(name)))
    refuse(text, 'expected names of users, such as "users:root,amy", or "users:*" for all who are logged in');
  return { kind: "users", users: [...new Set(users)] };
}

function meantAlone(text: string): string | undefined {
  return nearest(text, ["console"]) ?? (text === "wall" || text === "*" ? "users:*" : undefined);
}

function refuse(text: string, wanted: string, meant?: string): never {
  const proposal = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  throw new Fault("config", "sink", `unknown sink ${JSON.stringify(text)}: ${wanted}${proposal}`);
}
