// Beats by the clock: mine that came back, and others' that I heard (the model, sections 4 and 5).
//
// A host may hold only while the youngest of its own beats that came back was *sent* less than `silence` ago. Not "came back": a daemon that stalls and then
// delivers everything at once would make a host believe that it is in touch when the others have long gone on without it.
//
// Others' silence is counted only while my own beats come back (else it is I who hear nothing), and from the last network view or stall. A single session's
// join or leave does not touch it: a stranger that flaps beside a frozen host would keep it alive for ever.
import type { Member, View } from "./member.ts";

/** Beats of this many intervals without one of my own coming back are a stall. */
const STALL_BEATS = 2.5;

export class Pulse {
  private number = 0;
  private readonly sentMs: { number: number; atMs: number }[] = [];
  private readonly heardMs = new Map<Member, number>();
  private returnedMs: number;
  private countFromMs: number;
  /** When the youngest beat that came back was sent; -1 before the first. */
  youngestMs = -1;

  constructor(
    nowMs: number,
    private readonly beatMs: number,
  ) {
    this.returnedMs = nowMs;
    this.countFromMs = nowMs;
  }

  enter(view: View, nowMs: number, first: boolean): void {
    const network = view.cause === "network";
    if (network || first) this.countFromMs = nowMs;
    for (const member of view.members) {
      // Of who did not come together with me I know nothing before this view.
      const together = view.together.includes(member);
      if (!this.heardMs.has(member) || (network && !together) || first) this.heardMs.set(member, nowMs);
    }
  }

  /** A session's join or leave touches it too: for the simulator, which breaks the rule. */
  forgetSilence(nowMs: number): void {
    this.countFromMs = nowMs;
    for (const member of this.heardMs.keys()) this.heardMs.set(member, nowMs);
  }

  /** A new beat's number. */
  beat(nowMs: number): number {
    this.number += 1;
    this.sentMs.push({ number: this.number, atMs: nowMs });
    return this.number;
  }

  returned(number: number, nowMs: number): void {
    while (this.sentMs.length > 0 && this.sentMs[0]!.number <= number) {
      const { number: sent, atMs } = this.sentMs.shift()!;
      if (sent === number) this.youngestMs = atMs;
    }
    if (nowMs - this.returnedMs > STALL_BEATS * this.beatMs) this.countFromMs = nowMs;
    this.returnedMs = nowMs;
  }

  heard(member: Member, nowMs: number): void {
    this.heardMs.set(member, nowMs);
  }

  /** When the member's last beat was delivered to me in views that I shared with it without a break, or when we met. */
  lastHeardMs(member: Member): number | undefined {
    return this.heardMs.get(member);
  }

  /** For how long something has been missing that has been missing since `sinceMs`, as far as it counts. */
  missingMs(sinceMs: number, nowMs: number): number {
    return nowMs - Math.max(sinceMs, this.countFromMs);
  }

  isFresh(silenceMs: number, nowMs: number): boolean {
    return this.youngestMs >= 0 && nowMs < this.youngestMs + silenceMs;
  }

  /** My beats came back once, and do no more. */
  isStale(silenceMs: number, nowMs: number): boolean {
    return this.youngestMs >= 0 && nowMs >= this.youngestMs + silenceMs;
  }
}
