// Reads a wackamole.conf. Words are case-insensitive, "#" begins a comment, blocks stand in braces; commas and semicolons part as blanks do.
//
//   Spread = 4803@host           SpreadRetryInterval = 5s     Group = name          Control = path
//   Mature = 5s                  Arp-Cache = 90s              LogFacility = daemon  ModuleDir = path
//   Balance { AcquisitionsPerRound = all  interval = 4s }
//   Prefer None | Prefer if:a.b.c.d/n | Prefer { ... }
//   VirtualInterfaces { if:ip/n  { if:ip/n if:ip/n } ... }    (also VIFs, VIPs)
//   Notify { if:net/n throttle N ping  arp-cache }
//   RunDynamic module:function event | Module::function event   PerlUseLib dir   PerlUse Module

import { tryInterfaceAddress } from "../base/ip-address.ts";
import { addressTrouble } from "./vip-address.ts";

/** One address as the file writes it: "eth0:192.0.2.10/24", "eth0:192.0.2.10/32n24", or without a device. */
export interface WackAddress {
  readonly line: number;
  /** "": it names none. */
  readonly device: string;
  readonly address: string;
  readonly prefixBits: number;
}

export interface WackNote {
  readonly line: number;
  readonly message: string;
  /** It can't be read, and Wackamole could not either: something that was meant is missing. */
  readonly isMistake: boolean;
}

export interface WackamoleConf {
  readonly spread: { readonly line: number; readonly text: string } | undefined;
  readonly group: string | undefined;
  readonly control: { readonly line: number; readonly path: string } | undefined;
  readonly matureMs: { readonly line: number; readonly ms: number } | undefined;
  readonly balance:
    | { readonly line: number; readonly perRound: string | undefined; readonly intervalMs: number | undefined }
    | undefined;
  /** `undefined`: no such directive. */
  readonly prefer: readonly WackAddress[] | undefined;
  /** Each a vip of one or several addresses. */
  readonly vifs: readonly { readonly line: number; readonly addresses: readonly WackAddress[] }[];
  readonly notify: readonly {
    readonly line: number;
    readonly target: string;
    readonly throttle: number | undefined;
    readonly ping: boolean;
  }[];
  readonly hooks: readonly { readonly line: number; readonly text: string; readonly event: string }[];
  /** What could not be read, and what has no equivalent. */
  readonly notes: readonly WackNote[];
}

interface Token {
  readonly line: number;
  readonly text: string;
}

type Draft = { -readonly [Key in keyof WackamoleConf]: WackamoleConf[Key] } & {
  vifs: WackamoleConf["vifs"][number][];
  notify: WackamoleConf["notify"][number][];
  hooks: WackamoleConf["hooks"][number][];
  notes: WackNote[];
};

export function readWackamoleConf(text: string): WackamoleConf {
  return new Reader(tokensOf(text)).read();
}

function tokensOf(text: string): readonly Token[] {
  return text.split("\n").flatMap((line, at) => {
    const words = line.replace(/#.*$/, "").match(/"[^"]*"|[{}=]|[^\s{}=,;"]+/g) ?? [];
    return words.map((word) => ({ line: at + 1, text: word.replace(/^"(.*)"$/, "$1") }));
  });
}

class Reader {
  private at = 0;
  private isEndless = false;
  private readonly draft: Draft = {
    spread: undefined,
    group: undefined,
    control: undefined,
    matureMs: undefined,
    balance: undefined,
    prefer: undefined,
    vifs: [],
    notify: [],
    hooks: [],
    notes: [],
  };

  constructor(private readonly tokens: readonly Token[]) {}

  read(): WackamoleConf {
    for (let token = this.take(); token !== undefined; token = this.take()) this.directive(token);
    return this.draft;
  }

  private directive({ line, text }: Token): void {
    const { draft } = this;
    switch (text.toLowerCase()) {
      case "spread":
        draft.spread = { line, text: this.value(line) };
        return;
      case "group":
        draft.group = this.value(line);
        return;
      case "control":
        draft.control = { line, path: this.value(line) };
        return;
      case "mature":
        draft.matureMs = { line, ms: this.duration(line) };
        return;
      case "balance":
        this.balance(line);
        return;
      case "prefer":
        this.prefer();
        return;
      case "virtualinterfaces":
      case "vifs":
      case "vips":
        this.vifs(line);
        return;
      case "notify":
        this.notify(line);
        return;
      case "rundynamic":
        this.hook(line);
        return;
      case "spreadretryinterval":
      case "arp-cache":
      case "logfacility":
      case "moduledir":
      case "perluselib":
      case "perluse":
        this.without(text.toLowerCase(), line, this.value(line));
        return;
      default:
        this.mistake(line, `${JSON.stringify(this.restOf(line, text))} is no directive that Wackamole knows: left out`);
    }
  }

  /** What belongs to a word that nobody knows: the rest of its line, and the block that begins there. @returns the line's words */
  private restOf(line: number, first: string): string {
    const words = [first];
    for (let next = this.peek(); next?.line === line && next.text !== "}"; next = this.peek()) {
      words.push(next.text);
      this.take();
      if (next.text !== "{") continue;
      this.skipBlock();
      break;
    }
    return words.join(" ");
  }

  /** Behind its "{". */
  private skipBlock(): void {
    const { line } = this.tokens[this.at - 1]!;
    let depth = 1;
    for (let token = this.take(); token !== undefined; token = this.take()) {
      if (token.text === "{") depth += 1;
      else if (token.text === "}") depth -= 1;
      if (depth === 0) return;
    }
    this.endless(line);
  }

  private without(word: string, line: number, value: string): void {
    this.note(line, `${NO_EQUIVALENT[word]!}; found ${JSON.stringify(value)}`);
  }

  private balance(line: number): void {
    let perRound: string | undefined;
    let intervalMs: number | undefined;
    for (const token of this.block(line)) {
      const word = token.text.toLowerCase();
      if (word === "acquisitionsperround") perRound = this.value(token.line);
      else if (word === "interval") intervalMs = this.duration(token.line);
      else this.mistake(token.line, `${JSON.stringify(token.text)} is nothing that Balance knows: left out`);
    }
    this.draft.balance = { line, perRound, intervalMs };
  }

  private prefer(): void {
    if (this.peek()?.text === "=") this.take();
    const token = this.peek();
    const found: WackAddress[] = [];
    if (token?.text === "{") {
      for (const one of this.block(token.line)) {
        if (one.text !== "{") this.addAddress(one, found);
        else for (const inner of this.inner(one)) this.addAddress(inner, found);
      }
    } else if (token !== undefined) {
      this.take();
      if (token.text.toLowerCase() !== "none") this.addAddress(token, found);
    }
    this.draft.prefer = [...(this.draft.prefer ?? []), ...found];
  }

  private vifs(line: number): void {
    for (const token of this.block(line)) {
      const addresses: WackAddress[] = [];
      if (token.text !== "{") this.addAddress(token, addresses);
      else for (const one of this.inner(token)) this.addAddress(one, addresses);
      for (const { line: at, address, device } of addresses)
        if (device === "")
          this.note(
            at,
            `${address} names no device, with which Wackamole could not put it on: the one with its subnet is taken`,
          );
      if (addresses.length > 0) this.draft.vifs.push({ line: token.line, addresses });
    }
  }

  private notify(line: number): void {
    for (const token of this.block(line)) {
      let throttle: number | undefined;
      let ping = false;
      for (let next = this.peek(); next !== undefined; next = this.peek()) {
        const word = next.text.toLowerCase();
        if (word === "ping") ping = true;
        else if (word === "throttle") {
          this.take();
          throttle = Number(this.peek()?.text);
          if (!(throttle > 0)) this.mistake(next.line, `throttle ${this.peek()?.text ?? ""} is no number: left out`);
        } else break;
        this.take();
      }
      this.draft.notify.push({ line: token.line, target: token.text, throttle, ping });
    }
  }

  /** "module:function on up": the event is one or two words. */
  private hook(line: number): void {
    const text = this.value(line);
    const first = this.take()?.text ?? "";
    const event = /^(on|post)$/i.test(first) ? `${first} ${this.take()?.text ?? ""}` : first;
    this.draft.hooks.push({ line, text, event: event.toLowerCase().replace("-", " ") });
  }

  private addAddress(token: Token, to: WackAddress[]): void {
    const match = /^(?:([^:]+):)?(\d+\.\d+\.\d+\.\d+)(?:\/(\d+)(?:n(\d+))?)?$/i.exec(token.text);
    if (match === null || (match[1] === undefined && match[3] === undefined)) {
      const why = whyNoAddress(token.text);
      this.mistake(
        token.line,
        `${JSON.stringify(token.text)} is no address such as "eth0:192.0.2.10/32"${why}: left out`,
      );
      return;
    }
    const [, device = "", address = "", bits = "32"] = match;
    const read = tryInterfaceAddress(`${address}/${bits}`);
    const trouble = read === undefined ? "is no address" : addressTrouble(read.address);
    if (trouble !== undefined) this.mistake(token.line, `${JSON.stringify(token.text)}: ${trouble}: left out`);
    else to.push({ line: token.line, device, address, prefixBits: Number(bits) });
  }

  /** The words of a block within another, of which "{" has been taken. */
  private inner({ line }: Token): Generator<Token> {
    this.at -= 1;
    return this.block(line);
  }

  /** The words of a block in braces, one after the other; a "{" in it is left to who asks. */
  private *block(line: number): Generator<Token> {
    if (this.peek()?.text === "=") this.take();
    if (this.take()?.text !== "{") {
      this.mistake(line, 'a "{" is missing here: left out');
      return;
    }
    for (let token = this.take(); token?.text !== "}"; token = this.take()) {
      if (token === undefined) return this.endless(line);
      yield token;
    }
  }

  /** A file that was cut, or that wants a brace. Of blocks within one another only the innermost is told. */
  private endless(line: number): void {
    if (!this.isEndless) this.mistake(line, 'the block that begins here has no "}": what should follow may be missing');
    this.isEndless = true;
  }

  /** What stands behind "=", which may be missing. */
  private value(line: number): string {
    if (this.peek()?.text === "=") this.take();
    const token = this.take();
    if (token !== undefined && token.text !== "{" && token.text !== "}") return token.text;
    this.mistake(line, "its value is missing");
    return "";
  }

  /** Wackamole multiplies "m" alone: "h" means seconds there. */
  private duration(line: number): number {
    const text = this.value(line);
    const match = /^(\d{1,9})([smh]?)$/i.exec(text);
    if (match === null) {
      this.mistake(line, `${JSON.stringify(text)} is no time such as "5s"`);
      return 0;
    }
    const unit = match[2]!.toLowerCase();
    if (unit === "h") this.note(line, `${JSON.stringify(text)}: Wackamole takes "h" for seconds, and so does this`);
    return Number(match[1]) * (unit === "m" ? 60_000 : 1_000);
  }

  private note(line: number, message: string): void {
    this.draft.notes.push({ line, message, isMistake: false });
  }

  private mistake(line: number, message: string): void {
    this.draft.notes.push({ line, message, isMistake: true });
  }

  private peek(): Token | undefined {
    return this.tokens[this.at];
  }

  private take(): Token | undefined {
    return this.tokens[this.at++];
  }
}

/** Its own words for an address are a device without ":", where there is one, and always a prefix. */
function whyNoAddress(text: string): string {
  if (/^[^:]+:.+:\d+\.\d+\.\d+\.\d+/.test(text)) return ", nor to Wackamole, which has no alias such as eth0:0 in it";
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text)) return ", nor to Wackamole, which wants a prefix such as /32";
  return "";
}

const NO_EQUIVALENT: Readonly<Record<string, string>> = {
  spreadretryinterval: "SpreadRetryInterval has no equivalent: a daemon that comes back is met within a second",
  "arp-cache": "Arp-Cache has no equivalent: hosts always tell each other whom they know on the wire",
  logfacility: "LogFacility has no equivalent (nor an effect in Wackamole): messages go to stderr, and to the journal",
  moduledir: "ModuleDir has no equivalent: hooks are programs",
  perluselib: "PerlUseLib has no equivalent: hooks are programs",
  perluse: "PerlUse has no equivalent: hooks are programs",
};
