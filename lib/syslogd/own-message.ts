// What the daemon itself has to say is a message like any other: it goes through the same rules to the same sinks.
import { FACILITY_NAMES } from "../syslog/facility.ts";
import { SEVERITY_NAMES, type SeverityName } from "../syslog/severity.ts";

const SYSLOG = FACILITY_NAMES.indexOf("syslog");

/** The bytes that a program would have sent: `<PRI>syslogd[PID]: TEXT`. */
export function ownMessage(severity: SeverityName, pid: number, text: string): Uint8Array {
  const pri = SYSLOG * 8 + SEVERITY_NAMES.indexOf(severity);
  return new TextEncoder().encode(`<${pri}>syslogd[${pid}]: ${text}`);
}
