// `Spread_Segment ADDRESS[:PORT] { DAEMON ... }` (PROTOCOL.md 12.2).
//
// A trap of the grammar: a name takes the next address for its own, wherever that stands, so two daemons on two lines may be one.
// A mistake inside a segment ends at the next word that can be a daemon.

import { DEFAULT_PORT } from "./limits.ts";
import type { ConfInterface } from "./spread-conf.ts";
import { type ConfAddress, isMulticast, isUnspecified, looksLikeIpv4, tryConfAddress } from "./spread-conf-address.ts";
import { type Cursor, describe } from "./spread-conf-cursor.ts";
import type { ActiveFamily } from "./spread-conf-family.ts";
import { type Notes, shown } from "./spread-conf-notes.ts";
import type { Token } from "./spread-conf-tokens.ts";

export interface DraftDaemon {
  /** As written; for a daemon without a name its address without the zone. */
  readonly written: string;
  readonly virtualId: number | undefined;
  readonly address: ConfAddress | undefined;
  readonly lookUp: string | undefined;
  readonly interfaces: readonly ConfInterface[];
  readonly at: number;
}

export interface DraftSegment {
  readonly addresses: readonly ConfAddress[];
  readonly port: number;
  readonly daemons: readonly DraftDaemon[];
  readonly at: number;
}

const SEGMENT_ADDRESSES_MAX = 5;
const INTERFACES_MAX = 10;

export class SegmentReader {
  readonly segments: DraftSegment[] = [];

  constructor(
    private readonly cursor: Cursor,
    private readonly notes: Notes,
    private readonly family: ActiveFamily,
    /** What the resolver said; absent: it has not been asked. */
    private readonly lookedUp: ReadonlyMap<string, readonly string[]> | undefined,
  ) {}

  /** Reads the segment that the cursor stands on. */
  read(): void {
    const { at } = this.cursor.next();
    const addresses = this.#addresses();
    if (this.cursor.take("{") === undefined) {
      if (addresses !== undefined)
        this.notes.error(
          this.cursor.peek().at,
          "syntax",
          `found ${describe(this.cursor.peek())}, expected "{" and the daemons of the segment`,
        );
      if (!this.#skipToBrace()) return;
    }
    const daemons: DraftDaemon[] = [];
    while (!this.#closed(at)) {
      const daemon = this.#daemon();
      if (daemon !== undefined) daemons.push(daemon);
    }
    for (const address of addresses ?? []) {
      if (isUnspecified(address))
        this.notes.error(
          at,
          "unspecified",
          `the segment has the address ${address.text}, which names nothing: write its broadcast or multicast address`,
        );
      this.family.segment(address, at);
    }
    this.segments.push({ addresses: addresses ?? [], port: addresses?.[0]?.port || DEFAULT_PORT, daemons, at });
  }

  #addresses(): readonly ConfAddress[] | undefined {
    const first = this.cursor.peek();
    if (first.kind !== "address" && first.kind !== "address:port") {
      this.notes.error(
        first.at,
        first.kind === "port-range" ? "port" : "segment-address",
        segmentAddressMistake(first),
      );
      return undefined;
    }
    const addresses = [first.value];
    this.cursor.next();
    for (let more = this.cursor.take("address"); more !== undefined; more = this.cursor.take("address")) {
      addresses.push(more.value);
      if (addresses.length === SEGMENT_ADDRESSES_MAX + 1)
        this.notes.error(more.at, "limit", `the segment has more than ${SEGMENT_ADDRESSES_MAX} addresses`);
    }
    return addresses;
  }

  /** After a mistake in a segment's head: `true` when the daemons can be read all the same. */
  #skipToBrace(): boolean {
    while (!this.cursor.atTopLevel()) if (this.cursor.next().kind === "{") return true;
    return false;
  }

  #closed(openedAt: number): boolean {
    if (this.cursor.take("}")) return true;
    const token = this.cursor.peek();
    const isOption = token.kind === "option" && this.cursor.peek(1).kind === "=";
    if (token.kind !== "end" && token.kind !== "segment" && !isOption) return false;
    this.notes.error(openedAt, "brace", `the segment is not closed: found ${describe(token)}, expected "}" before it`);
    return true;
  }

  #daemon(): DraftDaemon | undefined {
    const first = this.cursor.next();
    const named = this.#nameAndAddress(first);
    if (named === undefined) {
      this.family.unknown = true;
      return undefined;
    }
    const virtualId = this.#virtualId();
    const interfaces = this.#interfaces(first, named.address);
    this.cursor.take(";");
    return { ...named, virtualId, interfaces, at: first.at };
  }

  #nameAndAddress(first: Token): Pick<DraftDaemon, "written" | "address" | "lookUp"> | undefined {
    if (first.kind === "address") {
      const written = first.text.split("%", 1)[0]!;
      this.#checkAddress(written, first.value, first.at);
      return { written, address: first.value, lookUp: undefined };
    }
    const name = this.#name(first);
    if (name === undefined) return undefined;
    const second = this.cursor.peek();
    if (second.kind === "address" || second.kind === "address:port") {
      this.cursor.next();
      if (second.kind === "address:port")
        this.notes.error(
          second.at,
          "daemon-port",
          `daemon ${shown(name)}: its address takes no port, the segment's port is for all its daemons: write ${second.value.text}`,
        );
      else if (this.cursor.lineEndsBetween(first, second))
        this.notes.warn(
          second.at,
          "lines",
          `the address ${second.text} belongs to ${shown(name)} on an earlier line; if it is a daemon of its own, put a ";" between blanks before it`,
        );
      this.#checkAddress(name, second.value, second.at);
      return { written: name, address: second.value, lookUp: undefined };
    }
    return { written: name, address: this.#lookUp(name, first.at), lookUp: name };
  }

  /** The daemon's name, also where only quotes are missing; `undefined` where the token can't begin a daemon. */
  #name(token: Token): string | undefined {
    switch (token.kind) {
      case "quoted":
      case "word":
        return this.#checkedName(token.value, token.at);
      case "bool":
      case "on-off-auto":
      case "flag":
      case "level":
      case "interface":
      case "number":
      case "option":
        this.notes.error(
          token.at,
          "reserved",
          `${describe(token)} can't be a daemon's name: put it in quotes, as in "${token.text}"`,
        );
        return token.text;
      case "address:port":
        this.notes.error(
          token.at,
          "daemon-port",
          `found ${describe(token)}: a daemon's address takes no port, the segment's port is for all its daemons`,
        );
        return undefined;
      case "port-range":
        this.notes.error(token.at, "port", `port of ${shown(token.text)} is over 65535`);
        return undefined;
      default:
        this.notes.error(token.at, "syntax", `found ${describe(token)}, expected a daemon's name or address, or "}"`);
        if (token.kind === "{") this.cursor.skipBlock();
        if (token.kind === "virtual-id" && this.cursor.take("=")) this.cursor.take("number");
        return undefined;
    }
  }

  #checkedName(name: string, at: number): string | undefined {
    if (name === "") {
      this.notes.error(at, "empty-name", "a daemon's name is empty");
      return undefined;
    }
    // without an address these are names that no resolver knows; with one the daemon takes them, and surely nobody meant it
    const note = (code: string, message: string) =>
      this.cursor.peek().kind === "address" ? this.notes.warn(at, code, message) : this.notes.error(at, code, message);
    const [, keyword, number] = /^(VirtualID)?=(.*)$/s.exec(name) ?? [];
    if (number !== undefined) {
      const value = number === "" ? "NUMBER" : number;
      note(
        "glued-equals",
        `${shown(name)} is one word here: put blanks around "=", as in "${keyword ?? "VirtualID"} = ${value}"`,
      );
    }
    if (name.endsWith(";"))
      note("glued-semicolon", `the semicolon is part of the name ${shown(name)}: put a blank before it`);
    return name;
  }

  #checkAddress(name: string, address: ConfAddress, at: number): void {
    if (isUnspecified(address))
      this.notes.error(at, "unspecified", `daemon ${shown(name)} has the address ${address.text}, which names no host`);
    this.family.daemon(name, address, at);
    if (isMulticast(address))
      this.notes.error(
        at,
        "multicast",
        `daemon ${shown(name)} has the multicast address ${address.text}: write its host's own`,
      );
  }

  #lookUp(name: string, at: number): ConfAddress | undefined {
    const address = this.#resolved(name, at);
    if (address === undefined) this.family.unknown = true;
    else this.#checkAddress(name, address, at);
    return address;
  }

  #resolved(name: string, at: number): ConfAddress | undefined {
    if (name.endsWith(";") || /^(?:VirtualID)?=/.test(name)) return undefined; // noted already
    if (looksLikeIpv4(name) && name.split(".").some((octet) => Number(octet) > 255)) {
      const message = `${shown(name)} is no IPv4 address: a number is over 255; the daemon would look it up as a host name`;
      this.notes.error(at, "address", message);
      return undefined;
    }
    if (looksLikeIpv4(name)) {
      const message = `${shown(name)} has a leading zero: the daemon looks it up as a host name, and the resolver reads octal numbers`;
      this.notes.warn(at, "octal", message);
    }
    if (this.lookedUp === undefined) return undefined;
    const { family } = this.family;
    const found = (this.lookedUp.get(name) ?? []).map((text) => tryConfAddress(text));
    const address = found.find((one) => one !== undefined && (family === undefined || one.family === family));
    if (address === undefined) {
      const wanted = family === undefined ? "address" : `IPv${family} address`;
      const message = `daemon ${shown(name)} has no address here, and the resolver knows no ${wanted} of that name: write its address behind it`;
      this.notes.error(at, "no-host", message);
    }
    return address;
  }

  #virtualId(): number | undefined {
    const keyword = this.cursor.take("virtual-id");
    if (keyword === undefined) return undefined;
    const number = this.cursor.take("=") && this.cursor.take("number");
    if (number !== undefined && number.value > 0) return number.value;
    const found = number ?? this.cursor.peek();
    this.notes.error(
      found.at,
      "virtual-id",
      `VirtualID: found ${describe(found)}, expected "=" and a number from 1 to 999999999, with blanks between`,
    );
    return undefined;
  }

  #interfaces(daemon: Token, own: ConfAddress | undefined): readonly ConfInterface[] {
    const brace = this.cursor.take("{");
    if (brace === undefined) return [];
    const interfaces: ConfInterface[] = [];
    while (this.cursor.take("}") === undefined) {
      if (this.cursor.peek().kind === "end" || this.cursor.peek().kind === "segment") {
        this.notes.error(
          brace.at,
          "brace",
          `the list of interfaces is not closed: found ${describe(this.cursor.peek())}, expected "}" before it`,
        );
        return interfaces;
      }
      const one = this.#interface();
      if (one !== undefined) interfaces.push(one);
    }
    this.#checkInterfaces(interfaces, brace.at, daemon, own);
    return interfaces;
  }

  #interface(): ConfInterface | undefined {
    const letters = new Set<string>();
    for (let letter = this.cursor.take("interface"); letter !== undefined; letter = this.cursor.take("interface"))
      letters.add(letter.text);
    const found = this.cursor.peek();
    if (found.kind !== "}" && found.kind !== "segment") this.cursor.next();
    if (found.kind !== "address") {
      this.notes.error(
        found.at,
        "interface",
        `found ${describe(found)}, expected D, C or M (each a word of its own) or an address${found.kind === "address:port" ? " without port" : ""}`,
      );
      return undefined;
    }
    const all = letters.size === 0;
    return {
      address: found.value,
      daemon: all || letters.has("D"),
      client: all || letters.has("C"),
      monitor: all || letters.has("M"),
    };
  }

  #checkInterfaces(
    interfaces: readonly ConfInterface[],
    at: number,
    daemon: Token,
    own: ConfAddress | undefined,
  ): void {
    if (interfaces.length === 0)
      this.notes.error(
        at,
        "interface",
        `the list of interfaces of ${describe(daemon)} is empty: leave it out, or name the daemon's own address in it`,
      );
    else if (interfaces.length > INTERFACES_MAX)
      this.notes.error(
        at,
        "limit",
        `the daemon has ${interfaces.length} interfaces, at most ${INTERFACES_MAX} are allowed`,
      );
    const serves = (one: ConfInterface) =>
      one.daemon &&
      own !== undefined &&
      one.address.family === own.family &&
      (isUnspecified(one.address) || one.address.canonical === own.canonical);
    if (interfaces.length > 0 && own !== undefined && !interfaces.some(serves))
      this.notes.error(at, "interface", `the list of interfaces lacks the daemon's own address: add "D ${own.text}"`);
    if (interfaces.length > 0 && !interfaces.some((one) => one.client))
      this.notes.warn(
        at,
        "no-client-interface",
        "no interface of this daemon is for clients: they reach it by its unix socket alone",
      );
  }
}

function segmentAddressMistake(token: Token): string {
  if (token.kind === "port-range") return `port of ${shown(token.text)} is over 65535`;
  if (token.kind === "word" && token.value.endsWith(";"))
    return `the segment's address is ${shown(token.text)}: it takes no semicolon`;
  if (token.kind === "word")
    return `the segment's address is ${shown(token.text)}: expected an IP address, host names are not looked up here; with a port "192.0.2.255:4803" or "[ff02::1]:4803"`;
  return `found ${describe(token)}, expected the segment's broadcast or multicast address`;
}
