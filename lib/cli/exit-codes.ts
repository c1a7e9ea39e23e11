// The one table of exit statuses. A fault's kind is looked up here and nowhere else, so no code means two things.
import type { FaultKind } from "../base/fault.ts";

/** An exit status: its number, its name in sysexits.h where it has one, what it means here, the kind of fault that leads to it. */
export interface ExitCode {
  readonly code: number;
  readonly name: string;
  readonly meaning: string;
  readonly kind?: FaultKind;
}

/** Every status that a command of ours ends with, by sysexits.h. Statuses 1 to 3 belong to `check` commands alone (Nagios). */
export const EXIT_CODES: readonly ExitCode[] = [
  { code: 0, name: "OK", meaning: "done; a check: OK" },
  { code: 1, name: "WARNING", meaning: "check commands only: a warning threshold is passed" },
  { code: 2, name: "CRITICAL", meaning: "check commands only: a critical threshold is passed" },
  { code: 3, name: "UNKNOWN", meaning: "check commands only: it could not be found out" },
  { code: 64, name: "EX_USAGE", meaning: "the command line is wrong", kind: "usage" },
  { code: 65, name: "EX_DATAERR", meaning: "input data is wrong", kind: "data" },
  { code: 66, name: "EX_NOINPUT", meaning: "an input file is missing or can't be read", kind: "no-input" },
  { code: 68, name: "EX_NOHOST", meaning: "a host name is unknown", kind: "no-host" },
  { code: 69, name: "EX_UNAVAILABLE", meaning: "a service can't be reached, or ended", kind: "unavailable" },
  { code: 70, name: "EX_SOFTWARE", meaning: "an error in spreadbox itself: please report it" },
  { code: 71, name: "EX_OSERR", meaning: "the operating system refused a call", kind: "os" },
  { code: 72, name: "EX_OSFILE", meaning: "a system file is missing or unfit", kind: "os-file" },
  { code: 73, name: "EX_CANTCREAT", meaning: "an output can't be created", kind: "cannot-create" },
  { code: 74, name: "EX_IOERR", meaning: "reading or writing failed underway", kind: "io" },
  { code: 75, name: "EX_TEMPFAIL", meaning: "it may work later: try again", kind: "temporary" },
  { code: 76, name: "EX_PROTOCOL", meaning: "the peer broke the protocol", kind: "protocol" },
  { code: 77, name: "EX_NOPERM", meaning: "permission is missing", kind: "no-permission" },
  { code: 78, name: "EX_CONFIG", meaning: "the configuration is wrong", kind: "config" },
];

/** Status of a check that could not be made. */
export const EXIT_UNKNOWN = 3;

/** Status for an error that is nobody's fault but ours. */
export const EXIT_SOFTWARE = 70;

/** The exit status of a kind of fault. */
export function exitCodeOf(kind: FaultKind): number {
  return EXIT_CODES.find((row) => row.kind === kind)?.code ?? EXIT_SOFTWARE;
}
