// Keeps one link to a daemon: dials, listens for its silence, and when it is lost dials again. What goes over it is the session's affair.
import { BackOff } from "../../base/back-off.ts";
import { Fault } from "../../base/fault.ts";
import { Liveness } from "../liveness.ts";
import type { Server } from "../server.ts";
import { LostError } from "../session-error.ts";
import { dialAny, isTemporary } from "./dial-any.ts";
import type { Link, LinkUser } from "./link.ts";
import { Nearness } from "./nearest.ts";
import type { SessionSettings } from "./settings.ts";

/** What a session wants to know of its line. */
export interface LineUser {
  /** There is a link; before this, nothing it received is told. */
  stood(link: Link, awayMs: number): void;
  fell(link: Link, reason: Fault): void;
  /** No daemon could be reached; it goes on trying. */
  failed(reason: Fault): void;
  /** Frames may be read from the link's connection. */
  received(link: Link, bytes: number): void;
  drained(link: Link): void;
  /** A sign of life is wanted: send a ping. */
  askLife(link: Link): void;
}

/** What stands: one link, and how it is watched. */
interface Standing {
  readonly link: Link;
  readonly liveness: Liveness;
  readonly timer: Timer | undefined;
  readonly fallen: Promise<void>;
  readonly fell: () => void;
}

export class Line {
  readonly #stop = new AbortController();
  #standing: Standing | undefined = undefined;
  #awaySinceMs: number;
  readonly #nearness: Nearness;
  /** The daemon that was lost last. */
  #lost: Server | undefined;

  constructor(
    private readonly settings: SessionSettings,
    private readonly user: LineUser,
  ) {
    this.#awaySinceMs = settings.clock.monotonicMs();
    this.#nearness = new Nearness(settings.servers, settings.random);
  }

  /** The link that stands, if one does. */
  get link(): Link | undefined {
    return this.#standing?.link;
  }

  /**
   * Keeps a link until `stop`, or until the first loss where it does not reconnect.
   * @param patientMs how long failures are put up with before the first link stands; later ones always are
   * @param stood called when the first link stands
   * @throws {ConnectError} no first link
   */
  async keep(patientMs: number, stood: () => void): Promise<void> {
    const { settings } = this;
    const backOff = new BackOff(settings.backOff, settings.random);
    const giveUpMs = settings.clock.monotonicMs() + patientMs;
    let tell: (() => void) | undefined = stood;
    while (!this.#stop.signal.aborted) {
      const link = await this.#dial(tell === undefined ? Number.POSITIVE_INFINITY : giveUpMs);
      if (link !== undefined && !link.over) {
        const stoodMs = settings.clock.monotonicMs();
        const fallen = this.#stand(link);
        tell?.();
        tell = undefined;
        await fallen;
        if (!settings.reconnect) return;
        // a daemon that accepts and then ends it at once, again and again, is no reason to hurry
        if (settings.clock.monotonicMs() - stoodMs > settings.backOff.mostMs) backOff.reset();
        await this.#sleep(settings.rejoinSpreadMs * settings.random());
      }
      await this.#sleep(backOff.nextMs());
    }
  }

  /** No further attempt. The link that stands, if any, is left to its user. */
  stop(): void {
    this.#stop.abort();
    clearInterval(this.#standing?.timer);
  }

  /** Resolves when no link stands. */
  async fallen(): Promise<void> {
    await this.#standing?.fallen;
  }

  /** Gives up the link, because of us. */
  lose(reason: Fault): void {
    this.#standing?.link.lose(reason);
  }

  /** @returns `undefined` where it failed, and that is put up with */
  async #dial(giveUpMs: number): Promise<Link | undefined> {
    const { settings } = this;
    const { name, membership, priority, methods, connectTimeoutMs: timeoutMs, tls } = settings;
    const handshake = { name, membership, priority, methods };
    try {
      const servers = settings.order === "nearest" ? await this.#nearness.order(this.#lost) : settings.servers;
      return await dialAny(servers, { handshake, tls, timeoutMs, signal: this.#stop.signal }, this.#linkUser);
    } catch (error) {
      if (this.#stop.signal.aborted) return undefined;
      if (!(error instanceof Fault) || !this.#isPutUpWith(error, giveUpMs)) throw error;
      this.user.failed(error);
      return undefined;
    }
  }

  /** A name that is still taken, a daemon that is full: worth a few more tries even for who wants to know at once. */
  #isPutUpWith(error: Fault, giveUpMs: number): boolean {
    if (giveUpMs === Number.POSITIVE_INFINITY) return true;
    return isTemporary(error) && this.settings.clock.monotonicMs() < giveUpMs;
  }

  #stand(link: Link): Promise<void> {
    const { clock, silenceMs } = this.settings;
    const nowMs = clock.monotonicMs();
    const liveness = new Liveness(silenceMs, nowMs);
    const timer = silenceMs > 0 ? setInterval(() => this.#look(), liveness.lookEveryMs) : undefined;
    const { promise: fallen, resolve: fell } = Promise.withResolvers<void>();
    this.#standing = { link, liveness, timer, fallen, fell };
    this.user.stood(link, nowMs - this.#awaySinceMs);
    return fallen;
  }

  #look(): void {
    const standing = this.#standing;
    if (standing === undefined) return;
    const { link, liveness } = standing;
    const step = liveness.look(this.settings.clock.monotonicMs(), !link.paused);
    if (step === "ping") this.user.askLife(link);
    else if (step === "dead")
      link.lose(new LostError("silent", `no sign of life from the daemon for ${this.settings.silenceMs} ms`));
  }

  readonly #linkUser: LinkUser = {
    received: (link, bytes) => {
      this.#standing?.liveness.heard(this.settings.clock.monotonicMs());
      if (this.#standing?.link === link) this.user.received(link, bytes);
    },
    drained: (link) => {
      this.#standing?.liveness.heard(this.settings.clock.monotonicMs()); // it took bytes: it lives
      if (this.#standing?.link === link) this.user.drained(link);
    },
    gone: (link, reason) => {
      const standing = this.#standing;
      if (standing?.link !== link) return;
      clearInterval(standing.timer);
      this.#standing = undefined;
      this.#awaySinceMs = this.settings.clock.monotonicMs();
      this.#lost = link.server;
      this.user.fell(link, reason);
      standing.fell();
    },
  };

  /** Waits, unless stopped meanwhile. */
  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, ms);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
  }
}
