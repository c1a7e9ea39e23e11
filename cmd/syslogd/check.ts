// `syslogd --check`: all that a start, a reload or a restart by this configuration would refuse or leave out, and the rules where there is nothing to refuse.
import { Fault } from "../../lib/base/fault.ts";
import type { Call } from "../../lib/cli/call.ts";
import { describeRule } from "../../lib/syslogd/directed-rule.ts";
import { checkOnHost } from "../../lib/syslogd/io/host-check.ts";
import type { Settings } from "../../lib/syslogd/settings.ts";

/** @throws {Fault} kind "config", where something is wrong: `all` has each */
export async function showChecked(
  settings: Settings,
  { json, log, out, printJson }: Pick<Call<never>, "json" | "log" | "out" | "printJson">,
): Promise<number> {
  const { leftOut = [], rules } = settings;
  const { wrong, unseen } = checkOnHost(settings);
  for (const { text, isMistake } of leftOut) if (!isMistake) log.warn(text);
  for (const { message } of unseen) log.warn(message);
  const mistakes = leftOut.flatMap(({ text, isMistake }) => (isMistake ? new Fault("config", "line", text) : []));
  const all = [...mistakes, ...wrong];
  if (all[0] !== undefined) throw new Fault("config", all[0].code, all[0].message, { all });
  for (const [index, rule] of rules.entries()) {
    const text = describeRule(rule);
    if (json) await printJson({ number: index + 1, rule: text, stops: rule.rule.stop });
    else await out.write(`${text}\n`);
  }
  return 0;
}
