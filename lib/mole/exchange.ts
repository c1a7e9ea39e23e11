// One exchange: everybody's state is gathered until all are here, or thrown out, who are waited for (the model, section 4).
//
// Waited for are those whom the last *network* view brought. Who joins alone in the middle is not: it holds nothing, and a stranger that joins and leaves all the
// time would keep the exchange open. A session that has no table yet (it just joined) waits for whichever comes first: the table from somebody who has it, or
// the states of all. Where nobody has ever had one, somebody begins one.
//
// What is delivered meanwhile is kept and run through the function afterwards, in order.
import type { Member, View } from "./member.ts";
import type { Message, StateMessage } from "./message.ts";

export interface Logged {
  readonly from: Member;
  readonly message: Message;
}

export class Exchange {
  readonly states = new Map<Member, StateMessage>();
  readonly log: Logged[] = [];
  /** Validly expelled in this view. */
  readonly expelled = new Set<Member>();
  /** Numbers of the last beats in this view. */
  readonly beats = new Map<Member, number>();
  /** Members that showed in this view that they have, or had, a table. */
  readonly shown = new Set<Member>();

  constructor(
    readonly view: View,
    /** Who is waited for, and who joined alone since; `undefined` while I can't know. */
    public waited: ReadonlySet<Member> | undefined,
    public lone: ReadonlySet<Member> | undefined,
    /** When the table was last complete, or the session began. */
    readonly sinceMs: number,
  ) {}

  /** The exchange of the next view, if this one is not over by then. */
  next(view: View): Exchange {
    if (view.cause === "network") return Exchange.ofAll(view, this.sinceMs);
    const here = new Set(view.members);
    const joined = view.members.filter((member) => !view.together.includes(member));
    const waited = this.waited && new Set([...this.waited].filter((member) => here.has(member)));
    const lone = this.lone && new Set([...this.lone, ...joined].filter((member) => here.has(member)));
    return new Exchange(view, waited, lone, this.sinceMs);
  }

  static ofAll(view: View, sinceMs: number): Exchange {
    return new Exchange(view, new Set(view.members), new Set(), sinceMs);
  }

  note(from: Member, message: Message, me: Member): void {
    this.log.push({ from, message });
    if (!this.view.members.includes(from)) return; // sent by a session that has gone: its facts hold, its table is gone
    if (message.kind === "beat") {
      this.beats.set(from, message.number);
      if (message.table) this.shown.add(from);
    } else if (message.kind === "state" && message.view === this.view.id) {
      this.noteState(from, message, me);
    } else if (message.kind === "expel" && this.isValid(from, message)) this.expelled.add(message.member);
  }

  /** Nobody is waited for any more, and somebody has brought a table. */
  isComplete(): boolean {
    if (this.waited === undefined) return false;
    const expelled = this.allExpelled();
    for (const member of this.waited) if (!this.states.has(member) && !expelled.has(member)) return false;
    for (const { table } of this.states.values()) if (table !== undefined) return true;
    return false;
  }

  /** Expelled here, or before by somebody who has told so. */
  allExpelled(): ReadonlySet<Member> {
    const all = new Set(this.expelled);
    for (const { expelled } of this.states.values())
      for (const member of expelled) if (this.view.members.includes(member)) all.add(member);
    return all;
  }

  /** Whether somebody who is still counted has shown a table in this view: then nobody may begin one. */
  isTableAbout(): boolean {
    for (const member of this.shown) if (!this.expelled.has(member)) return true;
    return false;
  }

  /** Waited for, and silent so far. */
  missing(): readonly Member[] {
    if (this.waited === undefined) return [];
    const expelled = this.allExpelled();
    return [...this.waited].filter((member) => !this.states.has(member) && !expelled.has(member));
  }

  private noteState(from: Member, state: StateMessage, me: Member): void {
    if (this.states.has(from)) return;
    this.states.set(from, state);
    if (state.table !== undefined) this.shown.add(from);
    if (this.lone !== undefined || state.lone === undefined) return;
    const lone = new Set([...state.lone, me]);
    this.lone = lone;
    this.waited = new Set(this.view.members.filter((member) => !lone.has(member)));
  }

  private isValid(from: Member, { view, member, missing }: Extract<Message, { kind: "expel" }>): boolean {
    if (view !== this.view.id || this.expelled.has(from) || !this.view.members.includes(member)) return false;
    if (missing.what === "beat") return (this.beats.get(member) ?? -1) === missing.after;
    return missing.what === "state" && !this.states.has(member);
  }
}
