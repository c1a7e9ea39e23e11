// Who is who. The group service knows sessions, the operator knows hosts, the table speaks of both:
// a *member* is one session of one mole (its private name in the group, never used twice), a *host* is the machine it runs on.
// Names that stand in the table are members, not hosts: the session that is back after a restart has cleaned its addresses and must not be
// taken for the one before it, which may still hold them (the model, section 9.1).

/** A session's name in the group, as the group service gives it. One session, one name, for ever. */
export type Member = string;

/** A host's name, as the operator writes it. */
export type HostName = string;

/** A view's name: two views are the same only if it is the same. */
export type ViewId = string;

/** Stands in the sets of a table that nobody's knowledge backs: whoever it may be that holds the vip (mode `safe` only). */
export const ANYBODY: Member = "*";

/** One membership of the group, as the service delivered it. */
export interface View {
  readonly id: ViewId;
  /** In the service's order, which is the same for all who get this view. */
  readonly members: readonly Member[];
  /** "network": rings of daemons parted or met; the others are one session's coming or going. */
  readonly cause: "join" | "leave" | "disconnect" | "network";
  /** Who came here together with me from the view before, myself included: they were delivered exactly what I was. */
  readonly together: readonly Member[];
}
