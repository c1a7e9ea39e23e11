/** Where a room reports what an operator should know. Rooms take one as an argument; `cli/io` and `syslogd` give it a place to go. One line each, no full stop. */
export interface Log {
  error(line: string): void;
  warn(line: string): void;
  notice(line: string): void;
  debug(line: string): void;
}
