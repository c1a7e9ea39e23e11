// A session of the probe: one connection, no second try (a probe that reconnects measures the reconnecting), frames where they lie.
import { Fault } from "../../base/fault.ts";
import type { FrameView } from "../../spread/frame.ts";
import { connect, type Session, SessionError, type SessionOptions } from "../../spread/index.ts";
import { readView } from "../../spread/membership.ts";
import type { GroupName } from "../../spread/names.ts";
import { sharedClock } from "./bench-clock.ts";

export class ProbeSession implements AsyncDisposable {
  /** Where it leads, and the daemon's version; known once it is open, and also when it is lost. */
  server = "";
  version = "";
  #session: Session | undefined;
  #members = 0;
  #wantMembers = Number.POSITIVE_INFINITY;
  readonly #complete = Promise.withResolvers<void>();
  readonly #lost = Promise.withResolvers<never>();

  private constructor(
    private readonly group: GroupName | undefined,
    private readonly onMessage: (frame: FrameView) => void,
  ) {
    this.#lost.promise.catch(() => {}); // who waits for nothing is told by the next thing it waits for
  }

  /**
   * Connects, and joins the group if one is given.
   * @param onMessage gets each message's frame; good until it returns
   * @param giveUp    ends the attempt; once connected it means nothing here
   * @throws {ConnectError}
   */
  static async open(
    options: SessionOptions,
    group: GroupName | undefined,
    onMessage: (frame: FrameView) => void,
    giveUp?: AbortSignal,
  ): Promise<ProbeSession> {
    const probe = new ProbeSession(group, onMessage);
    const attempt = new AbortController();
    const end = () => attempt.abort(giveUp?.reason);
    giveUp?.addEventListener("abort", end);
    const session = await connect({
      ...options,
      reconnect: false,
      clock: sharedClock,
      onFrame: (frame) => probe.#received(frame),
      signal: attempt.signal,
    }).finally(() => giveUp?.removeEventListener("abort", end));
    probe.#session = session;
    const { state } = session;
    if (state.at === "connected") {
      probe.server = state.server;
      probe.version = state.version;
    }
    void probe.#watch(session);
    if (group !== undefined)
      await session.join(group).catch((error: unknown) => {
        // `lost` tells it as it does at any other time.
        if (error instanceof SessionError && error.reason === "lost") return probe.lost;
        throw error;
      });
    return probe;
  }

  get session(): Session {
    return this.#session!; // `open` has set it before anybody gets us
  }

  /** Rejects when the connection is lost; never resolves. */
  get lost(): Promise<never> {
    return this.#lost.promise;
  }

  /**
   * Resolves when so many are in the group, as its view says: from then on all of them get what is sent.
   * @throws {Fault} the connection was lost before
   */
  async whenMembers(count: number): Promise<void> {
    this.#wantMembers = count;
    this.#check();
    await Promise.race([this.#complete.promise, this.#lost.promise]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.close();
  }

  #received(frame: FrameView): void {
    if (frame.kind === "message") this.onMessage(frame);
    else if (frame.kind === "view" && frame.name === this.group) {
      this.#members = readView(frame).members.length;
      this.#check();
    }
  }

  #check(): void {
    if (this.#members >= this.#wantMembers) this.#complete.resolve();
  }

  async #watch(session: Session): Promise<void> {
    for await (const event of session) {
      if (event.kind !== "lost") continue;
      const { reason } = event;
      this.#lost.reject(
        new Fault(
          "unavailable",
          "lost",
          `the daemon ended a session of the probe: ${reason instanceof Error ? reason.message : reason}`,
          { cause: reason },
        ),
      );
    }
  }
}
