// The daemon as its operator sees it: what `syslogd status`, stats, reload and the signals need of it.
import type { CommonStatus, Operated } from "../control/io/operation.ts";
import { changesBetween, describeChanges } from "./changes.ts";
import { describeRule } from "./directed-rule.ts";
import type { Syslogd } from "./io/syslogd.ts";
import { formatTotals, samplesOf } from "./samples.ts";
import type { Settings } from "./settings.ts";

/** What `syslogd status` shows. */
export interface Status extends CommonStatus {
  readonly listensOn: readonly string[];
  readonly rules: readonly string[];
}

export function operated(daemon: Syslogd, restart: NonNullable<Operated<Settings>["restart"]>): Operated<Settings> {
  return {
    say: (severity, text) => daemon.say(severity, text),
    reopen: () => daemon.reopen(),
    async reload(settings) {
      const text = describeChanges(changesBetween(daemon.settings, settings));
      const notes = await daemon.reload(settings);
      return [text, ...notes].join("; ");
    },
    restart,
    facts: () =>
      ({ listensOn: daemon.listensOn, rules: daemon.settings.rules.map(describeRule) }) satisfies Omit<
        Status,
        keyof CommonStatus
      >,
    counts: () => formatTotals(daemon.totals),
    samples: () => samplesOf(daemon.totals),
  };
}
