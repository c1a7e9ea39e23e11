// A spreadlogd.conf as our own configuration: [spread] and an entry [[logcat.write]] for each file, with a note for whatever is not carried over.
import { isGroupName } from "../spread/names.ts";
import { formatServer, tryServer } from "../spread/server.ts";
import { parseRegex } from "./choice.ts";
import { type LogBlock, type Note, readSpreadlogdConf, type Said, type SpreadBlock } from "./spreadlogd-conf.ts";
import { parseTimeForm } from "./time-form.ts";

const DEFAULT_PORT = "4803";

/** What an entry says besides its groups. */
interface Entry {
  readonly line: number;
  readonly groups: string[];
  readonly to: string;
  readonly keys: Readonly<Record<string, string | readonly string[]>>;
}

/** The TOML that says what a spreadlogd.conf says, and what it can't say. */
export function importSpreadlogdConf(text: string): { readonly toml: string; readonly notes: readonly Note[] } {
  const { blocks, notes: found } = readSpreadlogdConf(text);
  const notes = [...found];
  const note = (line: number, message: string): void => void notes.push({ line, message });
  const servers = blocks.map((block) => serverOf(block, note));
  const server = servers.find((one) => one !== undefined);
  const parts = server === undefined ? [] : [`[spread]\nservers = [${quoted(server)}]\n`];
  const entries: Entry[] = [];
  for (const [at, block] of blocks.entries()) {
    if (servers[at] !== server) {
      const logs = block.logs.map(({ line }) => line).join(", ");
      note(
        block.line,
        `another daemon: a recorder follows one. What is logged from ${servers[at] ?? "there"} (lines ${logs}) is left out: give it a configuration and a recorder of its own`,
      );
      continue;
    }
    for (const log of block.logs) addEntries(log, entries, note);
  }
  for (const entry of entries) parts.push(tomlOf(entry));
  return { toml: parts.join("\n"), notes: notes.toSorted((one, other) => one.line - other.line) };
}

type AddNote = (line: number, message: string) => void;

function serverOf({ port, host, line }: SpreadBlock, note: AddNote): string | undefined {
  const where = port?.text ?? DEFAULT_PORT;
  const isPath = where.startsWith("/");
  // Without a host the Spread library takes a port for the name of a socket.
  const text = isPath ? `unix:${where}` : host === undefined ? `unix:/tmp/${where}` : `${where}@${host.text}`;
  const server = tryServer(text);
  if (server !== undefined && (isPath || /^\d+$/.test(where))) return formatServer(server);
  note(port?.line ?? line, `${JSON.stringify(host === undefined ? where : text)} is no Spread daemon: left out`);
  return undefined;
}

function addEntries(log: LogBlock, entries: Entry[], note: AddNote): void {
  const { group, file, vhostDir, line } = log;
  const why = whyLeftOut(log);
  if (why !== undefined || group === undefined) {
    note(group?.line ?? line, `${why}: left out`);
    return;
  }
  const keys = keysOf(log, note);
  if (file !== undefined)
    add(entries, { line, groups: [group.text], to: targetOf(file), keys: keysFor(file, keys) }, note);
  if (vhostDir === undefined) return;
  note(
    vhostDir.line,
    "VhostDir: all virtual hosts of the group go to one file here, each line with its host. To part them, let publish --take-first send each to a group of its own, and follow these by a pattern",
  );
  const to = `file:${vhostDir.text.replace(/\/*$/, "").replaceAll("%", "%%")}/%group%`;
  add(entries, { line, groups: [group.text], to, keys: { ...keys, mode: "0644" } }, note);
}

function whyLeftOut({ group, file, vhostDir }: LogBlock): string | undefined {
  if (group === undefined) return "this Log has no Group";
  if (!isGroupName(group.text)) return `${JSON.stringify(group.text)} is no group name`;
  return file === undefined && vhostDir === undefined ? "this Log has neither File nor VhostDir" : undefined;
}

/** One destination is one entry: groups that go there in the same way stand in it together. */
function add(entries: Entry[], entry: Entry, note: AddNote): void {
  const same = entries.find(({ to }) => to === entry.to);
  if (same === undefined) {
    entries.push(entry);
  } else if (JSON.stringify(same.keys) === JSON.stringify(entry.keys)) {
    for (const group of entry.groups) if (!same.groups.includes(group)) same.groups.push(group);
  } else {
    note(entry.line, `left out: ${entry.to} is written by the Log of line ${same.line} already, in another way`);
  }
}

function keysOf({ match, rewriteTimestamp }: LogBlock, note: AddNote): Entry["keys"] {
  const grep = match.map((said) => regexOf(said, note)).filter((text) => text !== undefined);
  const form = rewriteTimestamp === undefined ? undefined : timeForm(rewriteTimestamp, note);
  return {
    format: "raw",
    ...(grep.length === 0 ? {} : { grep }),
    ...(form === undefined ? {} : { rewrite_time: form }),
  };
}

function keysFor(file: Said, keys: Entry["keys"]): Entry["keys"] {
  return file.text.startsWith("|") ? keys : { ...keys, mode: "0644" };
}

function targetOf({ text }: Said): string {
  return text.startsWith("|") ? `exec:${text.slice(1).trim()}` : `file:${text.replaceAll("%", "%%")}`;
}

/** POSIX's classes, which JavaScript does not know, as what stands in brackets. */
const CLASSES: Readonly<Record<string, string>> = {
  alnum: "A-Za-z0-9",
  alpha: "A-Za-z",
  blank: " \\t",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\s",
  upper: "A-Z",
  xdigit: "0-9A-Fa-f",
};

function regexOf({ line, text }: Said, note: AddNote): string | undefined {
  const regex = text.replace(/\[:(\w+):\]/g, (whole, name: string) => CLASSES[name] ?? whole);
  try {
    parseRegex(regex);
    return regex;
  } catch (error) {
    note(line, `Match: ${error instanceof Error ? error.message : error}; left out, so that more is written than was`);
    return undefined;
  }
}

function timeForm({ line, text }: Said, note: AddNote): string | undefined {
  const form = text.toLowerCase() === "commonlogformat" ? "common" : text;
  try {
    parseTimeForm(form);
    return form;
  } catch (error) {
    note(line, `RewriteTimestamp: ${error instanceof Error ? error.message : error}; left out`);
    return undefined;
  }
}

function tomlOf({ line, groups, to, keys }: Entry): string {
  const lines = [`# line ${line}`, "[[logcat.write]]", `groups = ${quoted(groups)}`, `to = ${quoted(to)}`];
  for (const [key, value] of Object.entries(keys)) lines.push(`${key} = ${quoted(value)}`);
  return `${lines.join("\n")}\n`;
}

/** JSON's strings are TOML's, but for DEL, which TOML wants escaped. */
function quoted(value: string | readonly string[]): string {
  if (typeof value !== "string") return `[${value.map(quoted).join(", ")}]`;
  return JSON.stringify(value).replaceAll("\x7f", "\\u007F");
}
