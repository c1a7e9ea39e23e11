// The mole as its operator sees it: what stats, reload and the signals need of it.
import type { Log } from "../base/log.ts";
import type { Operated } from "../control/io/operation.ts";
import type { Mole } from "./io/mole.ts";
import type { Setup } from "./io/setup.ts";

export function operated(mole: Mole, log: Log): Operated<Setup> {
  const tellers = { err: log.error, warning: log.warn, notice: log.notice, debug: log.debug } as const;
  return {
    say: (severity, text) => tellers[severity](text),
    reopen: () => {}, // it keeps no files open
    reload: (setup) => mole.reload(setup),
    facts: () => ({}),
    counts: () =>
      mole.samples
        .filter(({ kind, value }) => kind === "counter" && value > 0)
        .map(({ name, help, value }) => `${name}: ${value} (${help})`),
    samples: () => mole.samples,
  };
}
