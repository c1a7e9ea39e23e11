/** Counted since the start. */
export interface DaemonCounters {
  accepted: number;
  refused: number;
  /** Requests of sessions: messages, joins, leaves. */
  requests: number;
  /** Frames put into sessions' queues. */
  deliveries: number;
  /** Requests sent back because the session may not. */
  forbidden: number;
  /** Sessions that ended because they sent what no client may. */
  illegal: number;
  /** Sessions that ended because they did not take what they were sent. */
  slow: number;
  /** Times that a sender had to wait for a reader. */
  waits: number;
}

export const noneCounted = (): DaemonCounters => ({
  accepted: 0,
  refused: 0,
  requests: 0,
  deliveries: 0,
  forbidden: 0,
  illegal: 0,
  slow: 0,
  waits: 0,
});
