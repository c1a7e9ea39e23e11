// One session after the other, each with a guard and a name of its own. Names stand in other hosts' tables, so none is ever used twice.
import { BackOff } from "../../base/back-off.ts";
import { Fault } from "../../base/fault.ts";
import { pause } from "../../run/pause.ts";
import type { Driver } from "./driver.ts";
import { GroupLink, type LinkEvent, type LinkOptions } from "./group-link.ts";

export interface SessionsUser {
  /** A number that no session had before, kept on disk. */
  nextIncarnation(): number;
  /** There is a session; it joins the group when this returns, unless it has been left by then. */
  connected(link: GroupLink): void;
  /** Of the session that is there, and no other. */
  told(event: LinkEvent): void;
  /** No session yet; it goes on trying. */
  failed(error: Fault): void;
}

/** When a guard could not be started. */
const UNGUARDED_AGAIN_MS = 2_000;
/** When the daemon refused what a mole must do: that is mended by people. */
const REFUSED = { firstMs: 250, mostMs: 10_000, jitter: 0.5 };
/** What the Spread protocol allows. */
const NAME_LENGTH_MAX = 10;

export class Sessions {
  link: GroupLink | undefined;
  private readonly stopConnecting = new AbortController();
  private closing: Promise<void> = Promise.resolve();
  private readonly refused = new BackOff(REFUSED, Math.random);
  private waitMs = 0;
  /** The session is lost, and its guard is not ended yet. */
  private isGuarded = false;

  constructor(
    private readonly options: LinkOptions,
    private readonly driver: () => Driver,
    private readonly user: SessionsUser,
  ) {}

  /** Tries until there is one, or until all is left for good. Everything of the last one has been released. */
  async open(): Promise<void> {
    await this.closing;
    // Not before: the guard of a session that was lost stands by until all has been released.
    this.endGuard();
    const { signal } = this.stopConnecting;
    if (this.waitMs > 0 && !(await pause(this.waitMs, signal))) return;
    let link: GroupLink | undefined;
    const open = await GroupLink.open(
      this.options,
      () => this.nextName(),
      (event) => {
        if (link === undefined || this.link !== link) return;
        if (event.on === "lost") this.wait(event.isRefused);
        this.user.told(event);
      },
      (error) => this.user.failed(error),
      Math.random,
      signal,
    );
    if (open === undefined) return;
    const unguarded = this.guard(open);
    if (unguarded !== undefined) {
      // Nothing would remove the addresses should this process die: then rather none are held.
      this.user.failed(unguarded);
      await open.close();
      if (await pause(UNGUARDED_AGAIN_MS, signal)) void this.open();
      return;
    }
    link = open;
    this.link = link;
    this.user.connected(link);
    if (this.link === link) link.join();
  }

  private wait(isRefused: boolean): void {
    if (!isRefused) this.refused.reset();
    this.waitMs = isRefused ? this.refused.nextMs() : 0;
  }

  /** It is gone by itself. Its guard stays until the next begins. */
  lost(): void {
    this.link = undefined;
    this.isGuarded = true;
  }

  /** Takes leave of the group. */
  async leave(forGood: boolean): Promise<void> {
    const { link } = this;
    this.link = undefined;
    if (forGood) this.stopConnecting.abort();
    this.closing = this.takeLeave(link);
    await this.closing;
  }

  private async takeLeave(link: GroupLink | undefined): Promise<void> {
    await link?.close();
    this.isGuarded ||= link !== undefined;
    this.endGuard();
  }

  private endGuard(): void {
    if (this.isGuarded) this.driver().endSession();
    this.isGuarded = false;
  }

  /** @returns why there is no guard */
  private guard(link: GroupLink): Fault | undefined {
    const { socketFd } = link;
    if (socketFd === undefined) return new Fault("unavailable", "ended", "the session ended before it had begun");
    try {
      this.driver().beginSession({ socketFd, lastWords: link.lastWords() });
      return undefined;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return error;
    }
  }

  /** The number, and a little chance: two hosts may be given the same one. */
  private nextName(): { readonly number: number; readonly name: string } {
    const number = this.user.nextIncarnation();
    const chance = Math.floor(Math.random() * 36 ** 2).toString(36);
    return { number, name: `${number.toString(36)}${chance}`.slice(0, NAME_LENGTH_MAX) };
  }
}
