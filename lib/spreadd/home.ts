import type { Member } from "./member.ts";

/** A host of the ring, as the groups know it. */
export class Home {
  /** Its sessions that are in groups, by slot. Of this host: all sessions. */
  readonly members = new Map<number, Member>();
  /** Its sessions may not get what is sent from here on. */
  isLost = false;

  /**
   * @param isHere this host: its sessions are to be sent to
   * @param rank   its place among the hosts: members in views are in that order. Those of hosts behind one that goes move up
   * @param run    which run of a daemon it is
   */
  constructor(
    readonly isHere: boolean,
    public rank: number,
    readonly run: string,
  ) {}
}
