// What a session tells its user: a union tagged by `kind`. Made from frames here; "lost" and "back" come from the session itself.
import type { Fault } from "../base/fault.ts";
import { FrameError, type FrameView } from "./frame.ts";
import { NAME_FIELD_BYTES } from "./limits.ts";
import { readSelfLeave, readTransition, readView, type SelfLeave, type Transition, type View } from "./membership.ts";
import { isName, readName } from "./name-field.ts";
import { isPrivateGroup, type PrivateGroup } from "./names.ts";
import { SELF_DISCARD, type ServiceType, tryServiceType } from "./service.ts";

/** A message of some session, perhaps the own one. */
export interface Message {
  readonly kind: "message";
  readonly service: ServiceType;
  readonly sender: PrivateGroup;
  /** All destinations as the sender gave them, though only one of them led here. Foreign senders use any bytes: one character a byte. */
  readonly groups: readonly string[];
  /** The application's own number. */
  readonly messageType: number;
  readonly selfDiscard: boolean;
  /** Byte order of the sender's machine, for whoever put bare integers into the body. */
  readonly littleEndian: boolean;
  /** A copy: yours to keep. */
  readonly body: Uint8Array;
}

/** A request of ours that the daemon's policy refused. */
export interface Reject {
  readonly kind: "reject";
  /** Type of the refused request, bits of service.ts; of a refused join or leave CAUSED_BY_JOIN or CAUSED_BY_LEAVE. */
  readonly service: number;
  readonly groups: readonly string[];
  readonly messageType: number;
  readonly body: Uint8Array;
}

/** The connection is gone. Whatever views said is no longer known to be true. */
export interface Lost {
  readonly kind: "lost";
  /** Why; its message is one line for people. */
  readonly reason: Fault;
  /** Messages given up because of it, by the policy for unsent ones. */
  readonly dropped: number;
}

/** There is a connection again; the groups are joined anew, and their views follow. */
export interface Back {
  readonly kind: "back";
  /** How long there was none. */
  readonly awayMs: number;
  /** Where it leads, as `formatServer` writes it: with several daemons, perhaps elsewhere than before. */
  readonly server: string;
  /** The session's identity: not always the old one. */
  readonly privateGroup: PrivateGroup;
  /** Messages dropped while there was none. */
  readonly dropped: number;
}

export type FrameEvent = Message | View | Transition | SelfLeave | Reject;
export type SessionEvent = FrameEvent | Lost | Back;

/** Makes events of frames. Remembers the last names, which are most often the next ones too. */
export class EventMaker {
  readonly #sender = new LastName();
  readonly #group = new LastName();

  /** @throws {FrameError} a membership that can't be read, or a sender that is no private group */
  event(frame: FrameView): FrameEvent {
    switch (frame.kind) {
      case "view":
        return readView(frame);
      case "transition":
        return readTransition(frame);
      case "selfLeave":
        return readSelfLeave(frame);
      case "reject":
        return rejectOf(frame);
      default:
        return this.#message(frame);
    }
  }

  #message(frame: FrameView): Message {
    const sender = this.#sender.read(frame.bytes, frame.nameStart);
    if (!isPrivateGroup(sender)) throw new FrameError("name", frame.nameStart, sender);
    return {
      kind: "message",
      service: tryServiceType(frame.service)!, // a frame is a message because one of these bits is set
      sender,
      groups: frame.groupCount === 1 ? [this.#group.read(frame.bytes, frame.groupsStart)] : frame.groups(),
      messageType: frame.messageType,
      selfDiscard: (frame.service & SELF_DISCARD) !== 0,
      littleEndian: frame.hintLittleEndian,
      body: frame.copyBody(),
    };
  }
}

function rejectOf(frame: FrameView): Reject {
  const groups = frame.groups().slice(0, -1); // the daemon appended the sender: us
  return {
    kind: "reject",
    service: frame.oldService,
    groups,
    messageType: frame.messageType,
    body: frame.copyBody(),
  };
}

/** One name, decoded once for as long as it repeats. */
class LastName {
  readonly #field = new Uint8Array(NAME_FIELD_BYTES);
  #name = "";

  read(bytes: Uint8Array, at: number): string {
    if (isName(bytes, at, this.#field)) return this.#name;
    this.#field.set(bytes.subarray(at, at + NAME_FIELD_BYTES));
    this.#name = readName(bytes, at);
    return this.#name;
  }
}
