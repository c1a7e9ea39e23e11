// A client's requests as frames in its outbox (PROTOCOL.md, 6). Every limit is checked here, before a byte is written: the real daemon
// answers what it does not like by closing the connection, or worse (1, 9.3, 9.4).
import { frameSize, writeHeader } from "./frame.ts";
import { HEADER_BYTES, LimitError, NAME_FIELD_BYTES, ROUTED_GROUPS_MAX, SAFE_CARRIED_BYTES_MAX } from "./limits.ts";
import { nameField } from "./name-field.ts";
import { type Destination, type GroupName, parseDestination } from "./names.ts";
import { COPIED_BODY_BYTES_MAX, type Outbox } from "./outbox.ts";
import { JOIN, KILL, LEAVE, SELF_DISCARD, type ServiceType, serviceBit } from "./service.ts";

/** What a message goes to: one destination or up to 43. A plain string is checked, once for each new one. */
export type Destinations = Destination | string | readonly (Destination | string)[];

/** A body: bytes, text (sent as UTF-8), or several pieces that are sent as one. */
export type Body = Uint8Array | string | readonly Uint8Array[];

export interface SendOptions {
  /** "agreed" unless said: one order of all such messages, for all receivers. */
  readonly service?: ServiceType;
  /** The application's own number, -32768 to 32767; 0 unless said. */
  readonly messageType?: number;
  /** The sender gets no copy, though it is a member. */
  readonly selfDiscard?: boolean;
}

/** Writes requests in one session's name. */
export class Requests {
  #sender: Uint8Array = nameField("");
  readonly #fields = new Map<string, Uint8Array>();

  constructor(readonly outbox: Outbox) {}

  /** The session's private group; every request from here on bears it. */
  set sender(privateGroup: string) {
    this.#sender = nameField(privateGroup);
  }

  join(group: GroupName): void {
    this.#control(JOIN, group);
  }

  leave(group: GroupName): void {
    this.#control(LEAVE, group);
  }

  /** The last request: the daemon orders it, then closes. */
  kill(privateGroup: string): void {
    this.#control(KILL, privateGroup);
  }

  /**
   * Appends a message. A large body (or piece of one) is not copied: leave it alone until the outbox has sent it.
   * @throws {LimitError} nothing was appended
   * @throws {NameError} a destination is neither a group name nor a private group
   */
  message(destinations: Destinations, body: Body, options: SendOptions = {}): void {
    const { service = "agreed", messageType = 0, selfDiscard = false } = options;
    if (messageType !== (messageType << 16) >> 16)
      throw new LimitError("messageType", messageType, "a whole number from -32768 to 32767");
    const groupCount = typeof destinations === "string" ? 1 : destinations.length;
    if (groupCount < 1 || groupCount > ROUTED_GROUPS_MAX)
      throw new LimitError("groups", groupCount, `1 to ${ROUTED_GROUPS_MAX}: a real daemon delivers to nobody above`);
    const bytes = typeof body === "string" ? UTF8.encode(body) : body;
    const bodyBytes = bytes instanceof Uint8Array ? bytes.length : total(bytes);
    const carried = bodyBytes + NAME_FIELD_BYTES * groupCount;
    if (carried > SAFE_CARRIED_BYTES_MAX)
      throw new LimitError("message", carried, `up to ${SAFE_CARRIED_BYTES_MAX}: a real daemon dies of more`);
    const bits = selfDiscard ? serviceBit(service) | SELF_DISCARD : serviceBit(service);
    if (typeof destinations === "string") this.#header(bits, this.#field(destinations), messageType, bodyBytes);
    else this.#headerOfMany(bits, destinations, messageType, bodyBytes);
    this.#body(bytes);
  }

  #control(service: number, group: string): void {
    this.#header(service, nameField(group), 0, 0);
    this.outbox.append(0, true);
  }

  /** The head of a frame to one group: the usual one, without a list to be made. */
  #header(service: number, group: Uint8Array, messageType: number, bodyBytes: number): void {
    const at = this.outbox.reserve(frameSize(1, 0));
    const { block } = this.outbox;
    block.set(group, writeHeader(block, at, service, this.#sender, 1, messageType, bodyBytes));
    this.outbox.append(HEADER_BYTES + NAME_FIELD_BYTES, false);
  }

  #headerOfMany(service: number, groups: readonly string[], messageType: number, bodyBytes: number): void {
    const fields = groups.map((group) => this.#field(group)); // all are checked before the first is written
    const at = this.outbox.reserve(frameSize(fields.length, 0));
    const { block } = this.outbox;
    let groupAt = writeHeader(block, at, service, this.#sender, fields.length, messageType, bodyBytes);
    for (const field of fields) {
      block.set(field, groupAt);
      groupAt += NAME_FIELD_BYTES;
    }
    this.outbox.append(groupAt - at, false);
  }

  #body(body: Uint8Array | readonly Uint8Array[]): void {
    if (body instanceof Uint8Array) this.#piece(body);
    else for (const piece of body) this.#piece(piece);
    this.outbox.append(0, true);
  }

  #piece(piece: Uint8Array): void {
    const { outbox } = this;
    if (piece.length > COPIED_BODY_BYTES_MAX) {
      outbox.appendBody(piece, false);
      return;
    }
    const at = outbox.reserve(piece.length); // before the block is looked at: it may be a new one
    outbox.block.set(piece, at);
    outbox.append(piece.length, false);
  }

  #field(destination: string): Uint8Array {
    let field = this.#fields.get(destination);
    if (field === undefined) {
      field = nameField(parseDestination(destination));
      if (this.#fields.size >= KNOWN_FIELDS_MAX) this.#fields.clear();
      this.#fields.set(destination, field);
    }
    return field;
  }
}

const UTF8 = new TextEncoder();
/** Destinations whose fields are kept ready: 8,192 of some 150 bytes. */
const KNOWN_FIELDS_MAX = 8_192;

function total(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}
