// Whose beats have been delivered, counted and never timed: the same everywhere, so that decisions may rest on it (the model, section 4).
//
// A member is *quiet* when some other member has had three beats delivered since its own last one. That is no accusation and moves nothing; but a quiet
// member is given nothing while another can be. It is what keeps a frozen host from inheriting in the half second before it is expelled.
// Three positions a member are enough: another's third-last beat came after my last one.
//
// With two beats it *falters*. A host that is late does so too, so it may still be moved to; but of two that could inherit the other one does. Who hangs is known for that a tenth
// of a second earlier, and inheriting costs those addresses three seconds.

import type { Member } from "./member.ts";
import type { BeatsSnapshot } from "./message.ts";

interface Beaten {
  /** Number of its last beat delivered in this view, -1 for none. */
  number: number;
  /** Positions, in the sequence of all beats delivered, of its last, second-last and third-last. */
  last: number;
  second: number;
  third: number;
}

export class BeatBook {
  private position = 0;
  private readonly beaten = new Map<Member, Beaten>();

  static from({ position, last }: BeatsSnapshot): BeatBook {
    const book = new BeatBook();
    book.position = position;
    for (const [member, first, second, third] of last)
      book.beaten.set(member, { number: -1, last: first, second, third });
    return book;
  }

  /** A view: whoever is new counts as heard just now; numbers begin anew. */
  enter(members: readonly Member[]): void {
    for (const member of this.beaten.keys()) if (!members.includes(member)) this.beaten.delete(member);
    for (const member of members) {
      const beaten = this.beaten.get(member);
      if (beaten === undefined) this.beaten.set(member, { number: -1, last: this.position, second: -1, third: -1 });
      else beaten.number = -1;
    }
  }

  /** The number of a beat that was delivered in this view before the counting began. */
  seed(member: Member, number: number): void {
    const beaten = this.beaten.get(member);
    if (beaten !== undefined) beaten.number = number;
  }

  note(member: Member, number: number): void {
    const beaten = this.beaten.get(member);
    if (beaten === undefined) return;
    this.position += 1;
    beaten.number = number;
    beaten.third = beaten.second;
    beaten.second = beaten.last;
    beaten.last = this.position;
  }

  /** Number of its last beat delivered in this view, -1 for none. */
  lastNumber(member: Member): number {
    return this.beaten.get(member)?.number ?? -1;
  }

  isQuiet(member: Member): boolean {
    const own = this.beaten.get(member);
    if (own === undefined) return true;
    for (const [other, beaten] of this.beaten) if (other !== member && beaten.third > own.last) return true;
    return false;
  }

  isFaltering(member: Member): boolean {
    const own = this.beaten.get(member);
    if (own === undefined) return true;
    for (const [other, beaten] of this.beaten) if (other !== member && beaten.second > own.last) return true;
    return false;
  }

  snapshot(): BeatsSnapshot {
    return {
      position: this.position,
      last: [...this.beaten].map(([member, { last, second, third }]) => [member, last, second, third]),
    };
  }
}
