// What a view means beside the one before it: who came, who is gone, and why. Pure.
import type { Cause, View } from "../spread/membership.ts";
import type { PrivateGroup } from "../spread/names.ts";

export interface ViewChange {
  readonly group: string;
  readonly cause: Cause;
  readonly came: readonly PrivateGroup[];
  readonly gone: readonly PrivateGroup[];
  readonly members: readonly PrivateGroup[];
}

/** @param before the members of the last view, `undefined` where this is the first: then nobody came, they were there */
export function viewChange(before: readonly PrivateGroup[] | undefined, view: View): ViewChange {
  const { group, cause, members } = view;
  const was = new Set(before);
  const is = new Set(members);
  const came = before === undefined ? [] : members.filter((member) => !was.has(member));
  // the first view of a leave or disconnect names the one who is gone, though we never saw it in a view
  const named = before === undefined && (cause === "leave" || cause === "disconnect") ? view.sets.flat() : [];
  const gone = before === undefined ? named : before.filter((member) => !is.has(member));
  return { group, cause, came, gone, members };
}

const GONE_BECAUSE: Readonly<Record<Cause, string>> = {
  join: "gone",
  leave: "left",
  disconnect: "disconnected",
  network: "cut off",
};

/** "+#a#node1 joined", "-#b#node2 disconnected": one word list for people; "4 members" where it only says who is there. */
export function describeChange({ cause, came, gone }: ViewChange): string {
  const joined = came.map((member) => `+${member} ${cause === "network" ? "reached again" : "joined"}`);
  const left = gone.map((member) => `-${member} ${GONE_BECAUSE[cause]}`);
  return [...joined, ...left].join(", ");
}
