// What all sessions of a cluster heard, and what must be true of it. Every check is over what clients saw, never over what daemons think.
import type { View } from "../../lib/spread/membership.ts";
import { SAFE } from "../../lib/spread/service.ts";
import type { Received } from "./frames.ts";

/** What a session heard of one group, in order; messages are by their bodies, which are unique. */
export type Heard =
  | { readonly is: "view"; readonly view: View }
  | { readonly is: "transition"; readonly group: string }
  | { readonly is: "left"; readonly group: string }
  | {
      readonly is: "message";
      readonly body: string;
      readonly from: string;
      readonly groups: readonly string[];
      readonly service: number;
    };

export class SessionHistory {
  readonly heard: Heard[] = [];
  /** Bodies, in the order in which it sent them, with where to. */
  readonly sent: { readonly body: string; readonly groups: readonly string[]; readonly service: number }[] = [];
  /** Its connection has closed, or its daemon is dead. */
  isOver = false;

  constructor(
    readonly name: string,
    readonly host: number,
  ) {}

  hear(frame: Received): void {
    const { kind, view } = frame;
    if (view !== undefined) this.heard.push({ is: "view", view });
    else if (kind === "transition") this.heard.push({ is: "transition", group: frame.name });
    else if (kind === "selfLeave") this.heard.push({ is: "left", group: frame.name });
    else if (kind === "message")
      this.heard.push({
        is: "message",
        body: frame.body,
        from: frame.name,
        groups: frame.groups,
        service: frame.service,
      });
  }
}

const idOf = ({ group, id }: View) => `${group} ${id.daemonId}.${id.time}.${id.index}`;

/** What a session heard of a group from one view to the next. */
interface Stay {
  readonly session: SessionHistory;
  readonly view: View;
  readonly messages: readonly string[];
  /** Of these, those before a transitional signal. */
  readonly regular: readonly Extract<Heard, { is: "message" }>[];
  /** The view that ended it; `undefined` where nothing did, or the session left or was cut off. */
  readonly next: View | undefined;
}

/** All that is wrong with a history. @param isCalm it has come to rest: what was sent must have arrived */
export function faultsOf(sessions: readonly SessionHistory[], isCalm: boolean): string[] {
  const faults: string[] = [];
  const stays = sessions.flatMap(staysOf);
  checkOnce(sessions, faults);
  checkViews(sessions, faults);
  checkSynchrony(stays, faults);
  checkOrder(sessions, faults);
  checkSafe(stays, faults);
  if (isCalm) checkOwn(sessions, faults);
  return faults;
}

function checkOnce(sessions: readonly SessionHistory[], faults: string[]): void {
  const sent = new Map<string, string>();
  for (const { name, sent: all } of sessions) for (const { body } of all) sent.set(body, name);
  for (const { name, heard } of sessions) {
    const seen = new Set<string>();
    const lastOf = new Map<string, number>();
    for (const event of heard) {
      if (event.is !== "message") continue;
      if (sent.get(event.body) !== event.from)
        faults.push(`${name} heard ${event.body}, which ${event.from} never sent`);
      if (seen.has(event.body)) faults.push(`${name} heard ${event.body} twice`);
      seen.add(event.body);
      // first in, first out of each sender, among those of FIFO and better, and among the others
      const lane = `${event.from} ${event.service & 3 ? "reliable" : "ordered"}`;
      const number = Number(event.body.split(".").at(-1));
      if (number <= (lastOf.get(lane) ?? -1)) faults.push(`${name} heard ${event.body} behind a later one`);
      lastOf.set(lane, number);
    }
  }
}

function checkViews(sessions: readonly SessionHistory[], faults: string[]): void {
  const views = new Map<string, string>();
  for (const { name, heard } of sessions) {
    const current = new Map<string, View>();
    for (const event of heard) {
      if (event.is === "left") current.delete(event.group);
      if (event.is === "transition" && !current.has(event.group))
        faults.push(`${name} was told of a loss in ${event.group}, of which it has no view`);
      if (event.is !== "view") continue;
      const { view } = event;
      const id = idOf(view);
      const members = view.members.join(" ");
      if ((views.get(id) ?? members) !== members)
        faults.push(`${id} is ${members} for ${name}, and ${views.get(id)} for others`);
      views.set(id, members);
      if (!view.members.includes(name as never)) faults.push(`${name} is not in its own view ${id}`);
      const before = current.get(view.group);
      if (before !== undefined && idOf(before) === id) faults.push(`${name} was told of ${id} twice`);
      if (view.cause === "network") {
        const all = view.sets.flat().sort().join(" ");
        if (all !== [...view.members].sort().join(" ")) faults.push(`${id}: the sets of ${name} are not the members`);
        if (!view.sets[view.ownSet]?.includes(name as never)) faults.push(`${id}: ${name} is not in its own set`);
      }
      current.set(view.group, view);
    }
  }
}

/** Who goes together from one view to the next heard the same between, in the same order. */
function checkSynchrony(stays: readonly Stay[], faults: string[]): void {
  const moves = new Map<string, Stay[]>();
  for (const stay of stays) {
    if (stay.next === undefined) continue;
    const key = `${idOf(stay.view)} -> ${idOf(stay.next)}`;
    moves.set(key, [...(moves.get(key) ?? []), stay]);
  }
  for (const [key, group] of moves)
    for (const a of group)
      for (const b of group) {
        if (a.session.name >= b.session.name) continue;
        const { next } = a;
        if (next!.cause === "network" && !next!.sets[next!.ownSet]!.includes(b.session.name as never)) continue;
        if (a.messages.join() !== b.messages.join())
          faults.push(
            `${key}: ${a.session.name} heard ${a.messages.join(" ")}; ${b.session.name} heard ${b.messages.join(" ")}`,
          );
      }
}

/** Any two sessions hear what both hear in the same order; reliable and unreliable messages may overtake others, where these wait for being safe. */
function checkOrder(sessions: readonly SessionHistory[], faults: string[]): void {
  const lists = sessions.map(({ heard }) =>
    heard.flatMap((event) => (event.is === "message" && (event.service & 3) === 0 ? [event.body] : [])),
  );
  const places = lists.map((list) => new Map(list.map((body, at) => [body, at])));
  for (const [a, list] of lists.entries())
    for (let b = a + 1; b < lists.length; b++) {
      let last = -1;
      for (const body of list) {
        const place = places[b]!.get(body);
        if (place === undefined) continue;
        if (place < last) faults.push(`${sessions[a]!.name} and ${sessions[b]!.name} heard ${body} in another order`);
        last = place;
      }
    }
}

/** A safe message that came before any signal comes to every member of the view that did not end. */
function checkSafe(stays: readonly Stay[], faults: string[]): void {
  for (const { session, view, regular } of stays)
    for (const { service, body } of regular) {
      if ((service & SAFE) === 0) continue;
      for (const other of stays)
        if (other.session !== session && !other.session.isOver && idOf(other.view) === idOf(view))
          if (!other.session.heard.some((event) => event.is === "message" && event.body === body))
            faults.push(`${session.name} heard safe ${body} in ${idOf(view)}; ${other.session.name} never did`);
    }
}

/** What a session sent to groups that it stayed in comes back to it. */
function checkOwn(sessions: readonly SessionHistory[], faults: string[]): void {
  for (const { name, sent, heard, isOver } of sessions) {
    if (isOver) continue;
    const bodies = new Set(heard.flatMap((event) => (event.is === "message" ? [event.body] : [])));
    for (const { body, groups } of sent)
      if (groups.includes(name) && !bodies.has(body)) faults.push(`${name} sent ${body} to itself and never heard it`);
  }
}

function staysOf(session: SessionHistory): Stay[] {
  const stays: Stay[] = [];
  const open = new Map<
    string,
    { view: View; messages: string[]; regular: Extract<Heard, { is: "message" }>[]; isRegular: boolean }
  >();
  const close = (group: string, next: View | undefined) => {
    const stay = open.get(group);
    if (stay !== undefined) stays.push({ session, ...stay, next });
    open.delete(group);
  };
  for (const event of session.heard) {
    if (event.is === "view") {
      close(event.view.group, event.view);
      open.set(event.view.group, { view: event.view, messages: [], regular: [], isRegular: true });
    } else if (event.is === "left") close(event.group, undefined);
    else if (event.is === "transition") {
      const stay = open.get(event.group);
      if (stay !== undefined) stay.isRegular = false;
    } else
      for (const group of new Set(event.groups)) {
        const stay = open.get(group);
        stay?.messages.push(event.body);
        if (stay?.isRegular) stay.regular.push(event);
      }
  }
  for (const group of [...open.keys()]) close(group, undefined);
  return stays;
}
