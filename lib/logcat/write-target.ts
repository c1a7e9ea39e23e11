// Where a [[logcat.write]] writes to, as an operator writes it: "file:/var/log/cluster/%host%/%app%.log", "archive:/var/lib/spreadbox/archive".
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { parseTemplate, type Template } from "../syslog/template.ts";

export type WriteTarget =
  /** A file for each path that the template gives; one, where it is constant. */
  | { readonly kind: "file"; readonly path: Template }
  /** A directory that is made for search. */
  | { readonly kind: "archive"; readonly path: string };

/** What a target looks like, for messages and help. */
export const TARGET_FORM =
  'a destination such as "file:/var/log/cluster/%host%/%app%.log" or "archive:/var/lib/spreadbox/archive"';

const READERS: Readonly<Record<WriteTarget["kind"], (text: string, rest: string) => WriteTarget>> = {
  file(text, path) {
    if (path.endsWith("/")) refuse(text, "this is a directory");
    return { kind: "file", path: parseTemplate(checkedPath(text, path)) };
  },
  archive: (text, path) => ({ kind: "archive", path: checkedPath(text, path).replace(/(?<=.)\/$/, "") }),
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
    default:
      return target satisfies never;
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
