// How the messages of one source are to be read: what a site knows of its senders that the bytes can't tell.

/** Minutes east of UTC of local time, at an instant given in milliseconds since 1970, UTC. */
export type ZoneOffset = (utcMs: number) => number;

export const UTC: ZoneOffset = () => 0;

export interface ParseRules {
  /** The zone of a time that names none. */
  readonly zone: ZoneOffset;
  /** Whether an RFC 3164 header may name a host: "no" on a local socket, where libc's syslog(3) sends none. */
  readonly hostInHeader: boolean;
  /** Whether a word with characters that no host name has is taken for the tag instead. */
  readonly checkHost: boolean;
  /** Words that are never a host name. */
  readonly badHost: RegExp | undefined;
  /** Whether a message is read further than its PRI. */
  readonly header: boolean;
  /** Whether what is not RFC 5424 may be RFC 3164; where it may not, it is malformed. */
  readonly fallback3164: boolean;
  /** Longer messages are cut, with a mark. */
  readonly messageBytesMax: number;
  /** A claimed time further than this from the time of receipt is marked; Infinity: none is. */
  readonly timeOffMaxUs: number;
}

export const DEFAULT_RULES: ParseRules = {
  zone: UTC,
  hostInHeader: true,
  checkHost: true,
  badHost: undefined,
  header: true,
  fallback3164: true,
  messageBytesMax: 65_536,
  timeOffMaxUs: Number.POSITIVE_INFINITY,
};

/** For a local socket: libc's syslog(3) names no host. */
export const LOCAL_RULES: ParseRules = { ...DEFAULT_RULES, hostInHeader: false };
