// Where a rule sends records, as an operator writes it: "file:/var/log/messages", "group:log.%facility%".
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { parseTemplate, type Template } from "../syslog/template.ts";

export type Destination =
  | { readonly kind: "file"; readonly path: string }
  /** A file for each path that the template gives. */
  | { readonly kind: "files"; readonly path: Template }
  | { readonly kind: "group"; readonly name: Template };

/** What a destination looks like, for messages and help. */
export const DESTINATION_FORM = 'a sink such as "file:/var/log/messages" or "group:log.%facility%"';

const READERS: Readonly<Record<string, (text: string, rest: string) => Destination>> = {
  file: readFile,
  group: readGroup,
};

/**
 * Reads a destination.
 * @throws {Fault} kind "config", code "sink": an unknown kind, with the nearest known one; or what is wrong behind it
 */
export function parseDestination(text: string): Destination {
  const colon = text.indexOf(":");
  if (colon < 0) refuse(text, `expected ${DESTINATION_FORM}`, text.startsWith("/") ? `file:${text}` : undefined);
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
    default:
      return destination satisfies never;
  }
}

function readFile(text: string, path: string): Destination {
  if (!path.startsWith("/")) refuse(text, "a file's path begins with /", path === "" ? undefined : `file:/${path}`);
  if (path.endsWith("/")) refuse(text, "this is a directory");
  if (path.includes("\0")) refuse(text, "a path holds no NUL");
  const template = parseTemplate(path.replace(/\/{2,}/g, "/"));
  if (!template.isConstant) return { kind: "files", path: template };
  return { kind: "file", path: template.text.replaceAll("%%", "%") };
}

function readGroup(text: string, name: string): Destination {
  if (name === "") refuse(text, "a group has a name");
  return { kind: "group", name: parseTemplate(name) };
}

function refuse(text: string, wanted: string, meant?: string): never {
  const proposal = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  throw new Fault("config", "sink", `unknown sink ${JSON.stringify(text)}: ${wanted}${proposal}`);
}
