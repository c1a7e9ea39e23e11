// The places that settings list, and what becomes of them when the settings change.
import { formatPlace, type Listener, listener, type Place } from "./listener.ts";
import type { Settings } from "./settings.ts";

/** All that the settings list, but for the unix sockets that `chooseSockets` chooses. */
export function listenersOf({ udp, sources }: Pick<Settings, "udp" | "sources">): readonly Listener[] {
  const listed = [...udp.map((at) => listener({ by: "udp", ...at }, { allow: sources.allow })), ...sources.listeners];
  return listed.map((one) => {
    const hasIpv4 = listed.some((other) => isWildcard(other.on, 4) && shareAPort(one, other));
    return isWildcard(one.on, 6) && hasIpv4 ? { ...one, isIpv6Only: true } : one;
  });
}

export interface SourcePlan {
  readonly fresh: readonly Listener[];
  readonly gone: readonly Listener[];
  /** At the same places, maybe in another way: not with IPv4 too or without it, which takes another socket. */
  readonly kept: readonly Listener[];
}

export function sourcePlan(before: Settings, after: Settings): SourcePlan {
  const [old, now] = [before, after].map(
    (settings) => new Map(listenersOf(settings).map((one) => [formatPlace(one.on), one])),
  );
  const stays = (key: string) => old!.has(key) && old!.get(key)?.isIpv6Only === now!.get(key)?.isIpv6Only;
  return {
    fresh: [...now!].flatMap(([key, one]) => (stays(key) ? [] : [one])),
    gone: [...old!].flatMap(([key, one]) => (stays(key) ? [] : [one])),
    kept: [...now!].flatMap(([key, one]) => (stays(key) ? [one] : [])),
  };
}

function isWildcard(on: Place, family: 4 | 6): boolean {
  return "address" in on && on.address.family === family && on.address.bytes.every((byte) => byte === 0);
}

/** Whether one may be in the way of the other, as a wildcard address is. */
export function shareAPort(one: Listener, other: Listener): boolean {
  const isTcp = ({ on }: Listener) => on.by === "tcp" || on.by === "tls";
  if ("path" in one.on || "path" in other.on) return false;
  return one.on.port === other.on.port && isTcp(one) === isTcp(other);
}
