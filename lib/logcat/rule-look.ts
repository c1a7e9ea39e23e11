import type { ZoneOffset } from "../syslog/zone.ts";
import type { Look } from "./look.ts";
import { lookOf } from "./look-of.ts";
import { RecorderTimeLook } from "./recorder-time.ts";
import type { WriteRule } from "./write-rule.ts";

/** How a rule's records look. @param wallMs the recorder's clock: milliseconds since 1970, UTC */
export function lookOfRule(rule: WriteRule, zone: ZoneOffset, wallMs: () => number): Look {
  const look = lookOf({ ...rule, zone, startUs: 0, forTerminal: false, highlight: [] });
  if (rule.rewriteTime === undefined) return look;
  return new RecorderTimeLook(look, rule.rewriteTime, rule.format === "raw", zone, () => wallMs() * 1_000);
}
