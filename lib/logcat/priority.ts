import { FACILITY_NAMES } from "../syslog/facility.ts";
import { SEVERITY_NAMES } from "../syslog/severity.ts";

const PRIORITIES: readonly string[] = FACILITY_NAMES.flatMap((facility) =>
  SEVERITY_NAMES.map((severity) => `${facility}.${severity}`),
);

/** "mail.err": facility and severity as selectors write them, by PRI (0 to 191). */
export function priorityText(pri: number): string {
  return PRIORITIES[pri]!;
}
