// The classic /etc/syslog.conf, as BSD, sysklogd and inetutils read it, and the lines of rsyslog's that are classic too.
//
//   SELECTOR  ACTION  # note    a rule; \ at the end of a line goes on in the next
//   !prog,prog  !-prog  !*      rules below are for these programs, for all others, for all; `!!prog`: and what they take no later rule sees
//   +host  -host  +*  ++host    the same for hosts; @ is this one
//   #!prog  #+host  #-host      as without the #, where nothing else is on the line
//   :property, op, "value"      the same for a property, until `:*`; with an action behind it, a rule by itself
//   & ACTION                    one more action for the rule above
//
//   /file  -/file  |/fifo  |command  @host[:port]  @@host[:port]  user,user  *  /dev/console  @spread:GROUP  ~  stop
//
// An operator's file is taken as it stands: whatever of it has no equivalent is left out, and told with its line. A line that can't be read is told as a mistake.
import { Fault } from "../base/fault.ts";
import type { DirectedRule } from "./directed-rule.ts";
import { readRule } from "./rule-line.ts";
import { directedRule, type RawRule } from "./rule-table.ts";
import { type ConfAction, readAction } from "./syslog-conf-action.ts";
import { logicalLines, withoutComment } from "./syslog-conf-lines.ts";
import { classicSelector } from "./syslog-conf-selector.ts";

/** Something that has no equivalent, or can't be read. */
export interface ConfNote {
  /** From 1. */
  readonly line: number;
  readonly message: string;
  /** It can't be meant as it stands; else it has no equivalent here, or does nothing. */
  readonly isMistake: boolean;
}

/** Codes of faults for lines that other daemons understand. */
const NO_MISTAKES: ReadonlySet<string> = new Set(["directive", "action", "again", "never-matches"]);

export interface ConfRule {
  readonly line: number;
  /** As it would stand in [[syslogd.rule]]. */
  readonly keys: RawRule;
  readonly rule: DirectedRule;
  /** What its sink is told, as it would stand in [[syslogd.sink]]. */
  readonly sink: ConfAction["sink"];
}

export interface SyslogConf {
  readonly rules: readonly ConfRule[];
  readonly notes: readonly ConfNote[];
  /** Lines where `@` was taken for the host's name. */
  readonly ownHostLines: readonly number[];
}

/** The host that a syslog.conf is for, as far as its meaning depends on it. */
export interface ConfHost {
  /** What it is called in records: `+@` and `-@`. */
  readonly name: string;
  /** Whether there is a directory at this path, so that no record can be written to it. */
  isDirectory(path: string): boolean;
}

/** Reads the text of a syslog.conf. Never throws: what can't be used is in the notes. */
export function readSyslogConf(text: string, host: ConfHost): SyslogConf {
  const reader = new Reader(host);
  for (const { line, text: content } of logicalLines(text)) reader.take(line, content);
  reader.end();
  return { rules: reader.rules, notes: reader.notes, ownHostLines: reader.ownHostLines };
}

/** What is no rule: of rsyslog's `$Word`, `word(...)` and `if`, and the settings of sysklogd's. */
const DIRECTIVE =
  /^(?:\$|if\s|[a-z_]+\s*\(|(?:include|notify|listen|secure_mode|rotate_size|rotate_count|udp_size|resolve|kern_sync)\b)/i;

/** What a block asks of records. */
type Block = Pick<RawRule, "program" | "host" | "property">;

class Reader {
  readonly rules: ConfRule[] = [];
  readonly notes: ConfNote[] = [];
  readonly ownHostLines: number[] = [];
  #block: Block = {};
  /** Of a block that is final: the rules whose records nobody sees behind it. */
  #final: { readonly line: number; readonly asked: RawRule }[] | undefined;
  /** What `&` repeats. */
  #last: RawRule | undefined;
  /** A statement of rsyslog's that goes on: where it began, and how many of its brackets are open. */
  #statement: { readonly line: number; readonly open: number } | undefined;

  constructor(private readonly host: ConfHost) {}

  take(line: number, text: string): void {
    if (this.#statement !== undefined) {
      this.#goOn(this.#statement.line, this.#statement.open, text);
      return;
    }
    try {
      this.#take(line, text);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#last = undefined;
      this.notes.push({ line, message: `left out: ${error.message}`, isMistake: !NO_MISTAKES.has(error.code) });
      if (error.code === "directive") this.#goOn(line, 0, text);
    }
  }

  /** What stands in brackets behind a directive belongs to it, over lines. */
  #goOn(line: number, before: number, text: string): void {
    const open = before + openBrackets(text);
    this.#statement = open > 0 ? { line, open } : undefined;
  }

  /** The file has ended. */
  end(): void {
    this.#endBlock();
    if (this.#statement === undefined) return;
    const message =
      "left out, with all that follows: the statement that begins here has a bracket that is never closed";
    this.notes.push({ line: this.#statement.line, message, isMistake: true });
  }

  /** A block has ended: with the file, or because another begins. */
  #endBlock(): void {
    const final = this.#final ?? [];
    this.#final = undefined;
    for (const { line, asked } of final) this.#add(line, { ...asked, stop: true });
  }

  #take(line: number, text: string): void {
    const block = /^#?([!+])(.*)$/s.exec(text) ?? /^#?(-)([^/].*)$/s.exec(text);
    if (block !== null) this.#begin(line, block[1]!, withoutComment(block[2]!).trim());
    else if (text.startsWith(":")) this.#property(line, text);
    else if (text.startsWith("&")) this.#again(line, text.slice(1).trim());
    else if (DIRECTIVE.test(text)) throw unknownDirective(text);
    else {
      // The parts of a selector may have spaces between them: lines that go on in the next are indented.
      const [, select, action] = /^((?:\S|(?<=[;,])\s+)+)\s+(.+)$/s.exec(text) ?? [];
      if (select === undefined || action === undefined || withoutComment(action) === "")
        throw new Fault("config", "line", `found ${JSON.stringify(text)}, expected a selector and an action`);
      this.#rule(line, { ...this.#block, select: classicSelector(select) }, action);
    }
  }

  #begin(line: number, sign: string, rest: string): void {
    const kind = sign === "!" ? "program" : "host";
    const isFinal = rest.startsWith(sign);
    const isExcluding = sign === "-" || (sign === "!" && rest.startsWith("-"));
    const names = rest.replace(/^[!+-]/, isFinal || isExcluding ? "" : "$&").trim();
    if (names !== "" && !/[\p{L}\d*?@]/u.test(names))
      // a line across the page, say
      throw new Fault("config", "names", `found ${JSON.stringify(sign + rest)}, expected names of ${kind}s`);
    this.#endBlock();
    const { [kind]: _, ...others } = this.#block;
    if (names === "*" || names === "") this.#block = others;
    else this.#block = { ...others, [kind]: `${isExcluding ? "!" : ""}${this.#resolved(line, kind, names)}` };
    if (isFinal) this.#final = [];
  }

  /** Names, with `@` for a host replaced by what this one is called. */
  #resolved(line: number, kind: "program" | "host", names: string): string {
    const all = names.split(",").map((name) => name.trim());
    if (kind === "program" || !all.includes("@")) return names;
    this.ownHostLines.push(line);
    return all.map((name) => (name === "@" ? this.host.name : name)).join(",");
  }

  #property(line: number, text: string): void {
    if (withoutComment(text) === ":*") {
      const { property: _, ...others } = this.#block;
      this.#block = others;
      return;
    }
    const [, filter, action] = /^(:[^"#]*(?:"(?:[^"\\]|\\.)*")?)\s*(.*)$/s.exec(text)!;
    const property = [...(this.#block.property ?? []), filter!.trim()];
    readRule({ select: "*.*", property, to: "file:/x" }); // refused here, not at each rule of the block
    if (withoutComment(action!) === "") this.#block = { ...this.#block, property: [filter!.trim()] };
    else this.#rule(line, { ...this.#block, select: "*.*", property }, action!);
  }

  #again(line: number, action: string): void {
    if (this.#last === undefined) throw new Fault("config", "again", '"&" stands behind no rule that could be read');
    this.#rule(line, this.#last, action);
  }

  #rule(line: number, asked: RawRule, text: string): void {
    this.#last = asked;
    const { keys, sink, notes } = readAction(text.trim());
    for (const message of notes) this.notes.push({ line, message, isMistake: false });
    this.#add(line, { ...asked, ...keys }, sink);
    this.#final?.push({ line, asked });
  }

  /** @throws {Fault} where it can't be read, or chooses nothing */
  #add(line: number, keys: RawRule, sink?: ConfAction["sink"]): void {
    const rule = directedRule(readRule(keys));
    if (rule.rule.selector.isEmpty) throw new Fault("config", "never-matches", `${keys.select} chooses nothing`);
    if (rule.to?.kind === "file" && this.host.isDirectory(rule.to.path))
      throw new Fault("config", "directory", `${rule.to.path} is a directory`);
    this.rules.push({ line, keys, rule, sink });
  }
}

/** How many brackets stay open behind a line, but for those in quotes and comments; below 0: closed. */
function openBrackets(text: string): number {
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|#.*$/g, "");
  return [...bare].reduce((open, sign) => open + ("({[".includes(sign) ? 1 : ")}]".includes(sign) ? -1 : 0), 0);
}

function unknownDirective(text: string): Fault {
  const word = /^\S+/.exec(text)![0];
  const why = /^include\b/i.test(text) ? "import the files that it names, each by itself" : "it has no equivalent here";
  return new Fault("config", "directive", `${JSON.stringify(word)}: ${why}`);
}
