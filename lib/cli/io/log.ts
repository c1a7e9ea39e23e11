// What a person reads while a command runs: stderr, through consola with a reporter of our own, one line each behind the command's name.
import { createConsola, LogLevels } from "consola";
import type { Log } from "../../base/log.ts";
import { visible } from "../../base/visible.ts";
import { styleFor } from "../style.ts";

/** syslog severities, by which journald sorts lines that begin with `<n>` (sd-daemon(3)). */
const SEVERITY: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 5, debug: 7 };

/**
 * A `Log` on stderr.
 * @param name    stands before each line: the command
 * @param verbose debug lines too
 */
export function standardErrorLog(
  name: string,
  verbose: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Log {
  const forJournal = env["JOURNAL_STREAM"] !== undefined;
  const colour = process.stderr.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const style = styleFor(colour);
  const paints: Readonly<Record<string, (text: string) => string>> = {
    error: style.bad,
    warn: style.warning,
    debug: style.faint,
  };
  // The level is fixed here: neither CONSOLA_LEVEL nor DEBUG decides what a root daemon tells. No throttle: each line is one event.
  const consola = createConsola({
    level: verbose ? LogLevels.debug : LogLevels.info,
    throttle: 0,
    reporters: [
      {
        log({ type, args }) {
          const text = visible(`${name}: ${args.join(" ")}`);
          const line = forJournal ? `<${SEVERITY[type] ?? 5}>${text}` : (paints[type]?.(text) ?? text);
          process.stderr.write(`${line}\n`);
        },
      },
    ],
  });
  return {
    error: (line) => consola.error(line),
    warn: (line) => consola.warn(line),
    notice: (line) => consola.info(line),
    debug: (line) => consola.debug(line),
  };
}
