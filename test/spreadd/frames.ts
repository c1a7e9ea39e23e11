// What clients send and daemons answer, for tests that speak the protocol by hand: built and read by lib/spread's codec.
import {
  type FrameOrder,
  FrameView,
  frameSize,
  LITTLE_ENDIAN,
  readFrame,
  writeHeader,
} from "../../lib/spread/frame.ts";
import { METHOD_CHOICE_BYTES } from "../../lib/spread/limits.ts";
import { readView, type View } from "../../lib/spread/membership.ts";
import { nameField, writeName } from "../../lib/spread/name-field.ts";
import { AGREED, JOIN, KILL, LEAVE } from "../../lib/spread/service.ts";

export interface Request {
  readonly service: number;
  readonly sender: string;
  readonly groups?: readonly string[];
  readonly body?: Uint8Array | string;
  readonly messageType?: number;
  readonly order?: FrameOrder;
}

/** Any frame. */
export function frame({
  service,
  sender,
  groups = [],
  body = "",
  messageType = 0,
  order = LITTLE_ENDIAN,
}: Request): Uint8Array {
  const bodyBytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const bytes = new Uint8Array(frameSize(groups.length, bodyBytes.length));
  let at = writeHeader(bytes, 0, service, nameField(sender), groups.length, messageType, bodyBytes.length, order);
  for (const group of groups) at = writeName(bytes, at, group);
  bytes.set(bodyBytes, at);
  return bytes;
}

export const join = (sender: string, group: string) => frame({ service: JOIN, sender, groups: [group] });
export const leave = (sender: string, group: string) => frame({ service: LEAVE, sender, groups: [group] });
export const kill = (sender: string) => frame({ service: KILL, sender, groups: [sender] });
export const message = (sender: string, groups: readonly string[], body: Uint8Array | string = "", service = AGREED) =>
  frame({ service, sender, groups, body });

/** A connect request of library 5.0.1. */
export function connectRequest(name: string, { membership = true, version = [5, 0, 1] } = {}): Uint8Array {
  return Uint8Array.of(...version, membership ? 1 : 0, name.length, ...new TextEncoder().encode(name));
}

/** The choice of methods: 90 bytes. */
export function methodChoice(...methods: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(METHOD_CHOICE_BYTES);
  for (const [field, method] of methods.entries()) bytes.set(new TextEncoder().encode(method), field * 30);
  return bytes;
}

/** A frame that a daemon sent, as an object. */
export interface Received {
  readonly kind: FrameView["kind"];
  readonly service: number;
  readonly name: string;
  readonly groups: readonly string[];
  readonly body: string;
  readonly view: View | undefined;
  readonly bytes: Uint8Array;
}

/** All frames in the bytes; throws where they do not end with a frame. */
export function framesIn(bytes: Uint8Array): Received[] {
  const received: Received[] = [];
  const view = new FrameView();
  for (let at = 0; at < bytes.length; ) {
    const took = readFrame(bytes, at, bytes.length, view);
    if (took === 0) throw new Error(`${bytes.length - at} bytes left over`);
    received.push({
      kind: view.kind,
      service: view.service,
      name: view.name,
      groups: view.groups(),
      body: new TextDecoder("latin1").decode(view.body()),
      view: view.kind === "view" ? readView(view) : undefined,
      bytes: bytes.slice(at, at + took),
    });
    at += took;
  }
  return received;
}

/** "join g1: #a#d #b#d (#b#d)": a view in a line, with who changed it; other frames by kind. */
export function toldBy({ kind, name, view, groups, body }: Received): string {
  if (view !== undefined)
    return `${view.cause} ${view.group} ${view.id.index}: ${view.members.join(" ")} (${view.sets.map((set) => set.join(" ")).join(" | ")})`;
  if (kind === "selfLeave") return `selfLeave ${name}`;
  return `${kind} from ${name} to ${groups.join(" ")}: ${body}`;
}
