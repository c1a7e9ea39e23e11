// What logcat itself says, in line with the records and told apart from them: "-- " in front of a line of text, another `kind` in JSON.
//
// Names of hosts, groups and sessions in a notice come from the network, like the records: whoever writes one to a terminal passes it through the same sieve.
import { formatDuration } from "../base/duration.ts";
import type { Away } from "./gaps.ts";

export type Notice =
  /** Records that were sent and have not come: numbers `from` to `to`. */
  | {
      readonly kind: "gap";
      readonly group: string;
      readonly host: string;
      readonly from: number;
      readonly to: number;
      readonly away: Away;
    }
  /** Records that were missing came after all. `missing`: how many are still, where all that came is summed up. */
  | {
      readonly kind: "late";
      readonly group: string;
      readonly host: string;
      readonly records: number;
      readonly missing?: number;
    }
  /** A host goes on under another incarnation. `missing`: of the one before, as far as it tells how far that came; "some" is told as a gap. */
  | {
      readonly kind: "anew";
      readonly group: string;
      readonly host: string;
      readonly last: number;
      readonly next: number;
      readonly missing: "none" | "some" | "unknown";
    }
  /** A host is heard in a group for the first time. */
  | { readonly kind: "feeds"; readonly group: string; readonly host: string }
  /** A host that fed a group has gone from the directory: nothing of it feeds the group now. */
  | { readonly kind: "ceases"; readonly group: string; readonly host: string }
  /** A session joined or left a group. */
  | {
      readonly kind: "member";
      readonly group: string;
      readonly member: string;
      readonly change: "joined" | "left" | "disconnected" | "came by the network" | "went by the network";
      readonly members: number;
    }
  /** There is no daemon yet; we go on trying. */
  | { readonly kind: "waiting"; readonly reason: string }
  /** The daemon is gone; we go on trying. */
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "back"; readonly server: string; readonly awayMs: number }
  /** Records that could not be written: whoever reads the output is too slow, or the file can't be written. */
  | { readonly kind: "skipped"; readonly records: number; readonly reason: string }
  /** More groups match the patterns than can be followed. */
  | { readonly kind: "unfollowed"; readonly followed: number }
  /** A message that is no log record as we know them. */
  | { readonly kind: "unreadable"; readonly group: string; readonly sender: string; readonly reason: string };

/** A notice in words, without the "-- ". One line; what it quotes is as the network gave it. */
export function noticeText(notice: Notice): string {
  switch (notice.kind) {
    case "gap": {
      const { group, host, from, to, away } = notice;
      const numbers = from === to ? `${from}` : `${from}-${to}`;
      const why = AWAY_TEXTS[away];
      return `${counted(to - from + 1, "record")} of ${host} missing in ${group} (${numbers})${why}`;
    }
    case "late": {
      const { group, host, records, missing } = notice;
      const came = `${counted(records, "record")} of ${host} that ${records === 1 ? "was" : "were"} missing in ${group} came late`;
      if (missing === undefined) return came;
      return missing === 0 ? `${came}: nothing is missing now` : `${came}: ${missing} still missing`;
    }
    case "anew": {
      const { group, host, last, next, missing } = notice;
      if (missing === "none") return `${host} began anew in ${group}: nothing is missing`;
      if (missing === "some") return `${host} began anew in ${group}, and told how far it had come`;
      return `${host} began anew in ${group} at ${next}: what it sent after ${last} is not known`;
    }
    case "feeds":
      return `${notice.host} feeds ${notice.group}`;
    case "ceases":
      return `${notice.host} feeds ${notice.group} no more`;
    case "member":
      return `${notice.member} ${notice.change}: ${notice.group} has ${counted(notice.members, "member")}`;
    case "lost":
      return `daemon lost: ${notice.reason.replace(/^connection lost: /u, "")}; trying again`;
    case "waiting":
      return `${notice.reason}; trying again`;
    case "back":
      return `back after ${formatDuration(roundedMs(notice.awayMs))}: ${notice.server}`;
    case "skipped":
      return `${counted(notice.records, "record")} skipped: ${notice.reason}`;
    case "unfollowed":
      return `more groups match than can be followed: ${notice.followed} are, the others are not`;
    case "unreadable":
      return `a message of ${notice.sender} in ${notice.group} is no log record: ${notice.reason}; told once, counted by --stats`;
    default:
      return notice satisfies never;
  }
}

const AWAY_TEXTS: Readonly<Record<Away, string>> = {
  daemon: ", sent while the daemon was away",
  logcat: ", sent while logcat was away",
  nobody: "",
};

/** "1 record", "12 records". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** To a tenth of a second: nobody acts on less. */
function roundedMs(ms: number): number {
  return ms < 1_000 ? Math.round(ms) : Math.round(ms / 100) * 100;
}
