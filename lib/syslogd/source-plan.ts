// The places that settings list, and what becomes of them when the settings change.
import { formatPlace, type Listener, listener } from "./listener.ts";
import type { Settings } from "./settings.ts";

/** All that the settings list, but for the unix sockets that `chooseSockets` chooses. */
export function listenersOf({ udp, sources }: Pick<Settings, "udp" | "sources">): readonly Listener[] {
  return [...udp.map((at) => listener({ by: "udp", ...at }, { allow: sources.allow })), ...sources.listeners];
}

export interface SourcePlan {
  readonly fresh: readonly Listener[];
  readonly gone: readonly Listener[];
  /** At the same places, maybe in another way. */
  readonly kept: readonly Listener[];
}

export function sourcePlan(before: Settings, after: Settings): SourcePlan {
  const [old, now] = [before, after].map(
    (settings) => new Map(listenersOf(settings).map((one) => [formatPlace(one.on), one])),
  );
  return {
    fresh: [...now!].flatMap(([key, one]) => (old!.has(key) ? [] : [one])),
    gone: [...old!].flatMap(([key, one]) => (now!.has(key) ? [] : [one])),
    kept: [...now!].flatMap(([key, one]) => (old!.has(key) ? [one] : [])),
  };
}

/** Whether one may be in the way of the other, as a wildcard address is. */
export function shareAPort(one: Listener, other: Listener): boolean {
  const isTcp = ({ on }: Listener) => on.by === "tcp" || on.by === "tls";
  if ("path" in one.on || "path" in other.on) return false;
  return one.on.port === other.on.port && isTcp(one) === isTcp(other);
}
