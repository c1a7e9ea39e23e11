// `cluster watch`: what is different from one look to the next, and for how long it had been as it was.
import { briefDuration, formatDuration } from "../base/duration.ts";
import { daemonOfNode } from "./daemon-of-node.ts";
import type { ClusterStatus } from "./status-report.ts";

export interface Change {
  /** Such as "c: corosync" or "link 0 to c". */
  readonly what: string;
  readonly was: string;
  readonly is: string;
  /** For how long it was so; `undefined` where that began before we looked. */
  readonly afterMs: number | undefined;
}

interface State {
  readonly is: string;
  readonly sinceMs: number;
  /** It was seen to begin. */
  readonly isSeen: boolean;
}

/** Everything that has a state, by name. */
function statesOf({ ring, spreadd }: ClusterStatus): ReadonlyMap<string, string> {
  const states = new Map<string, string>();
  states.set("corosync here", ring === undefined ? "silent" : "answers");
  for (const { name, isMember, isOwn, links } of ring?.nodes ?? []) {
    states.set(`${name}: corosync`, isMember ? "in" : "out");
    for (const { link, isUp } of isOwn ? [] : links) states.set(`link ${link} to ${name}`, isUp ? "up" : "down");
  }
  states.set("spreadd here", spreadd === undefined ? "silent" : spreadd.isServing ? "serves" : "outside");
  if (spreadd !== undefined)
    for (const { id, name } of ring?.nodes ?? [])
      states.set(`${name}: spreadd`, daemonOfNode(spreadd.ring, id) === undefined ? "out" : "in");
  return states;
}

/** Remembers what was, and tells what changed. */
export class Changes {
  readonly #known = new Map<string, State>();

  /** @param nowMs of a clock that never jumps. The first look tells nothing */
  look(status: ClusterStatus, nowMs: number): readonly Change[] {
    const changes: Change[] = [];
    const isFirst = this.#known.size === 0;
    for (const [what, is] of statesOf(status)) {
      const known = this.#known.get(what);
      if (known?.is === is) continue;
      this.#known.set(what, { is, sinceMs: nowMs, isSeen: !isFirst && known !== undefined });
      if (known !== undefined)
        changes.push({ what, was: known.is, is, afterMs: known.isSeen ? nowMs - known.sinceMs : undefined });
    }
    return changes;
  }
}

/** How it was before, for people; "" where nobody saw that begin. */
export function formerly({ was, afterMs }: Change): string {
  return afterMs === undefined ? "" : `, was ${DOING[was] ?? was} for ${roughly(afterMs)}`;
}

const roughly = (ms: number): string => (ms < 1_000 ? formatDuration(Math.round(ms / 10) * 10) : briefDuration(ms));

/** "answers" as what it was doing. */
const DOING: Readonly<Record<string, string>> = { answers: "answering", serves: "serving" };

/** States that are as they should be. */
export const isWell = ({ is }: Change): boolean => ["answers", "in", "up", "serves"].includes(is);
