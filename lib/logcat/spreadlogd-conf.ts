// Reads a spreadlogd.conf. "#" begins a comment; words stand bare or in double quotes, "=" between a directive and its value may have blanks around it or none.
//
//   BufferSize = n    ModuleDir = dir    LoadModule name [config]    PerlLib dir    PerlUse module    PythonImport module
//   Spread {
//     Port = 4803 | path    Host = name
//     Log {
//       Group = g    File = path | "|command"    VhostDir = dir    Match = regex (up to 10)
//       RewriteTimestamp = CommonLogFormat | "strftime"    ModuleLog name    PerlLog f    PerlHup f    PythonLog f
//     }
//   }

export interface Note {
  readonly line: number;
  readonly message: string;
}

/** A value, and the line of its directive. */
export interface Said {
  readonly line: number;
  readonly text: string;
}

export interface LogBlock {
  readonly line: number;
  readonly group: Said | undefined;
  readonly file: Said | undefined;
  readonly vhostDir: Said | undefined;
  readonly match: readonly Said[];
  readonly rewriteTimestamp: Said | undefined;
}

export interface SpreadBlock {
  readonly line: number;
  readonly port: Said | undefined;
  readonly host: Said | undefined;
  readonly logs: readonly LogBlock[];
}

export interface SpreadlogdConf {
  readonly blocks: readonly SpreadBlock[];
  /** What could not be read, and what has no equivalent. */
  readonly notes: readonly Note[];
}

interface Token {
  readonly line: number;
  readonly text: string;
  readonly isQuoted: boolean;
}

const NO_EQUIVALENT: Readonly<Record<string, string>> = {
  buffersize: "messages of any size that a daemon carries are taken",
  moduledir: "modules can't be loaded",
  loadmodule: 'modules can\'t be loaded: to = "exec:..." gives lines to a program',
  perllib: "Perl can't be loaded",
  perluse: 'Perl can\'t be loaded: to = "exec:perl ..." gives lines to a program',
  pythonimport: 'Python can\'t be loaded: to = "exec:python3 ..." gives lines to a program',
  modulelog: 'modules can\'t be loaded: to = "exec:..." gives lines to a program',
  perllog: 'Perl can\'t be loaded: to = "exec:perl ..." gives lines to a program',
  perlhup: "Perl can't be loaded",
  pythonlog: 'Python can\'t be loaded: to = "exec:python3 ..." gives lines to a program',
};
/** Directives whose value may be two words on one line. */
const TWO_WORDS = "loadmodule";

export function readSpreadlogdConf(text: string): SpreadlogdConf {
  return new Reader(tokensOf(text)).read();
}

function tokensOf(text: string): readonly Token[] {
  return text.split("\n").flatMap((line, at) => {
    const words = line.match(/"(?:[^"\\]|\\.)*"|#.*|[{}=]|[^\s{}="#]+/g) ?? [];
    return words
      .filter((word) => !word.startsWith("#"))
      .map((word) => {
        const isQuoted = word.startsWith('"');
        // In a regular expression a backslash means something: only the quote's own is taken away.
        return { line: at + 1, text: isQuoted ? word.slice(1, -1).replaceAll('\\"', '"') : word, isQuoted };
      });
  });
}

class Reader {
  private at = 0;
  private readonly notes: Note[] = [];

  constructor(private readonly tokens: readonly Token[]) {}

  read(): SpreadlogdConf {
    const blocks: SpreadBlock[] = [];
    for (let token = this.take(); token !== undefined; token = this.take()) {
      if (isWord(token, "spread")) blocks.push(this.spread(token.line));
      else this.other(token, "spreadlogd");
    }
    return { blocks, notes: this.notes };
  }

  private spread(line: number): SpreadBlock {
    const logs: LogBlock[] = [];
    let port: Said | undefined;
    let host: Said | undefined;
    for (const token of this.block(line)) {
      if (isWord(token, "port")) port = this.value(token);
      else if (isWord(token, "host")) host = this.value(token);
      else if (isWord(token, "log")) logs.push(this.log(token.line));
      else this.other(token, "Spread");
    }
    return { line, port, host, logs };
  }

  private log(line: number): LogBlock {
    const match: Said[] = [];
    let group: Said | undefined;
    let file: Said | undefined;
    let vhostDir: Said | undefined;
    let rewriteTimestamp: Said | undefined;
    for (const token of this.block(line)) {
      if (isWord(token, "group")) group = this.value(token);
      else if (isWord(token, "file")) file = this.value(token);
      else if (isWord(token, "vhostdir")) vhostDir = this.value(token);
      else if (isWord(token, "rewritetimestamp")) rewriteTimestamp = this.value(token);
      else if (isWord(token, "match")) {
        const said = this.value(token);
        if (said !== undefined) match.push(said);
      } else this.other(token, "Log");
    }
    return { line, group, file, vhostDir, match, rewriteTimestamp };
  }

  /** The first word of each directive up to the brace that ends the block. */
  private *block(line: number): Generator<Token> {
    if (this.peek()?.text !== "{") {
      this.note(line, 'expected "{" behind this: the block is left out');
      return;
    }
    this.take();
    for (let token = this.take(); token !== undefined; token = this.take()) {
      if (token.text === "}" && !token.isQuoted) return;
      yield token;
    }
    this.note(line, 'this block has no end: "}" is missing');
  }

  private value(directive: Token): Said | undefined {
    if (this.peek()?.text === "=" && !this.peek()!.isQuoted) this.take();
    const next = this.peek();
    if (next === undefined || (!next.isQuoted && /^[{}=]$/.test(next.text))) {
      this.note(directive.line, `${directive.text} has no value: left out`);
      return undefined;
    }
    return { line: directive.line, text: this.take()!.text };
  }

  /** A directive that is not carried over. */
  private other(token: Token, where: string): void {
    const word = token.text.toLowerCase();
    const why = Object.hasOwn(NO_EQUIVALENT, word) ? NO_EQUIVALENT[word] : undefined;
    if (why === undefined) {
      this.note(token.line, `${JSON.stringify(token.text)} is nothing that ${where} knows: left out`);
      if (this.peek()?.text === "=") this.value(token);
      return;
    }
    const value = this.value(token);
    if (word === TWO_WORDS && this.peek()?.line === token.line) this.take();
    if (value !== undefined) this.note(token.line, `${token.text} ${JSON.stringify(value.text)} is left out: ${why}`);
  }

  private peek(): Token | undefined {
    return this.tokens[this.at];
  }

  private take(): Token | undefined {
    return this.tokens[this.at++];
  }

  private note(line: number, message: string): void {
    this.notes.push({ line, message });
  }
}

function isWord({ text, isQuoted }: Token, word: string): boolean {
  return !isQuoted && text.toLowerCase() === word;
}
