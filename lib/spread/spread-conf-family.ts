// All addresses of a spread.conf belong to one family: what ActiveIPVersion says, else that of the first daemon (PROTOCOL.md 12.2, 12.3).
import type { ConfAddress } from "./spread-conf-address.ts";
import { type Notes, shown } from "./spread-conf-notes.ts";
import type { Setting } from "./spread-conf-option-reader.ts";

export class ActiveFamily {
  /** `undefined` until something has settled it. */
  family: 4 | 6 | undefined;
  /** A daemon's name has not been looked up yet: it may have settled the family, and nothing can be said. */
  unknown = false;
  #because = "";

  constructor(private readonly notes: Notes) {}

  /** `ActiveIPVersion = IPv4`. */
  declare(setting: Setting): void {
    if (setting.value !== "IPv4" && setting.value !== "IPv6") {
      this.notes.error(
        setting.at,
        "value",
        `option ActiveIPVersion: found ${shown(String(setting.value))}, expected IPv4 or IPv6`,
      );
      return;
    }
    const family = setting.value === "IPv4" ? 4 : 6;
    if (this.family !== undefined && this.family !== family)
      this.notes.error(
        setting.at,
        "family",
        `ActiveIPVersion is ${setting.value}, but IPv${this.family} is settled by ${this.#because}: put it before the segments, or change it`,
      );
    else this.#settle(family, "ActiveIPVersion");
  }

  /** A daemon's address: the first one settles the family. */
  daemon(name: string, address: ConfAddress, at: number): void {
    if (this.family === undefined && !this.unknown) this.#settle(address.family, `daemon ${shown(name)}`);
    else this.#check(`daemon ${shown(name)} has`, address, at);
  }

  /** A segment's address, asked at the end of its segment: until then a daemon may have settled the family. */
  segment(address: ConfAddress, at: number): void {
    if (this.family === undefined && !this.unknown)
      this.notes.error(
        at,
        "family",
        "this segment has no daemon and stands before the first one: give ActiveIPVersion before it, or remove it",
      );
    else this.#check("the segment has", address, at);
  }

  #check(who: string, address: ConfAddress, at: number): void {
    if (this.family === undefined || address.family === this.family) return;
    this.notes.error(
      at,
      "family",
      `${who} the IPv${address.family} address ${shown(address.text)}, but IPv${this.family} is settled by ${this.#because}: all addresses of a file are of one family`,
    );
  }

  #settle(family: 4 | 6, because: string): void {
    this.family = family;
    this.#because = because;
  }
}
