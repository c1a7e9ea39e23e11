// How the messages of one source are to be read: what a site knows of its senders that the bytes can't tell.
import { UTC, type ZoneOffset } from "./zone.ts";

export interface ParseRules {
  /** How much of a message is read: all, its PRI alone, or nothing (all is text). */
  readonly read: "all" | "pri" | "nothing";
  /** The zone of a time that names none. */
  readonly zone: ZoneOffset;
  /**
   * Whether an RFC 3164 header names a host. "no" on a local socket, where libc's syslog(3) sends none: the first word is the program then, with or without a
   * colon, unless it is the host's own name.
   */
  readonly hostInHeader: boolean;
  /** Whether a word with characters that no host name has is taken for the program instead. */
  readonly checkHost: boolean;
  /** Words that are never a host name. */
  readonly badHost: RegExp | undefined;
  /** Whether what is not RFC 5424 may be RFC 3164; where it may not, it is malformed. */
  readonly fallback3164: boolean;
  /** Whether our own structured data (own-element.ts) is believed: only for what we wrote ourselves, a group or a spool. */
  readonly ownElement: boolean;
  /** Longer messages are cut, with a mark. */
  readonly messageBytesMax: number;
  /** A claimed time further than this from the time of receipt is marked; Infinity: none is. */
  readonly timeOffMaxUs: number;
}

/** For a message from the network. */
export const DEFAULT_RULES: ParseRules = {
  read: "all",
  zone: UTC,
  hostInHeader: true,
  checkHost: true,
  badHost: undefined,
  fallback3164: true,
  ownElement: false,
  messageBytesMax: 65_536,
  timeOffMaxUs: Number.POSITIVE_INFINITY,
};

/** For a message from a local socket. */
export const LOCAL_RULES: ParseRules = { ...DEFAULT_RULES, hostInHeader: false };

/** For a record that format-5424.ts wrote for ourselves. */
export const OWN_RULES: ParseRules = { ...DEFAULT_RULES, ownElement: true, messageBytesMax: Number.POSITIVE_INFINITY };
