// A rule as it stands in the configuration, [[syslogd.rule]]; those of the command line and of a syslog.conf are made of the same keys.
import * as v from "valibot";
import { explained } from "../base/schema.ts";
import { ACK_HOSTS_MAX } from "../sink/ack-ledger.ts";
import { FORMAT_NAMES, type FormatChoice } from "../syslog/format-choice.ts";
import { rule } from "../syslog/rule.ts";
import {
  expressionSchema,
  hostsSchema,
  programsSchema,
  propertySchema,
  selectorSchema,
  templateSchema,
} from "../syslog/schema.ts";
import { DESTINATION_FORM, parseDestination } from "./destination.ts";
import type { DirectedRule } from "./directed-rule.ts";

const ACKS_FORM = `how many hosts, from 1 to ${ACK_HOSTS_MAX}`;
const FORMAT_FORM = `one of ${FORMAT_NAMES.map((name) => JSON.stringify(name)).join(", ")}`;

export const ruleSchema = v.strictObject({
  select: v.pipe(selectorSchema(), v.description("which records: facility.priority, as in syslog.conf")),
  program: v.pipe(
    v.optional(programsSchema()),
    v.description('of these programs alone; a "!" before the first: of all others; * and ? stand for what varies'),
  ),
  host: v.pipe(
    v.optional(hostsSchema()),
    v.description('of these hosts alone; a "!" before the first: of all others; * and ? stand for what varies'),
  ),
  property: v.pipe(
    v.optional(v.array(propertySchema()), []),
    v.description("property filters that have to hold too, as in rsyslog"),
  ),
  match: v.pipe(v.optional(expressionSchema()), v.description("only with this regular expression found in the text")),
  stop: v.pipe(
    v.optional(v.boolean("true or false"), false),
    v.description("later rules do not see what this one takes"),
  ),
  to: v.pipe(
    v.optional(
      explained(DESTINATION_FORM, parseDestination, {
        examples: ["file:/var/log/messages", "file:/var/log/%host%/%app%.log", "group:log.%facility%"],
      }),
    ),
    v.description('where they go; only a rule with "stop" may leave it out: then they go nowhere'),
  ),
  format: v.pipe(
    v.optional(v.picklist(FORMAT_NAMES, FORMAT_FORM)),
    v.description(
      "the form in which they are written, the same in all rules of a sink; by default files have traditional lines, other hosts get rfc5424",
    ),
  ),
  template: v.pipe(
    v.optional(templateSchema()),
    v.description('a form of your own instead, such as "%timereceived% %host% %app%: %msg%"'),
  ),
  acks: v.pipe(
    v.optional(
      v.pipe(v.number(ACKS_FORM), v.integer(ACKS_FORM), v.minValue(1, ACKS_FORM), v.maxValue(ACK_HOSTS_MAX, ACKS_FORM)),
    ),
    v.description(
      "group: keep records in the spool until recorders (logcat record) on so many hosts have them on disk, and send them again where they got lost; without it they are let go when the Spread daemon has them",
    ),
  ),
});

export type RuleEntry = v.InferOutput<typeof ruleSchema>;
/** A rule's keys, not read yet. */
export type RawRule = v.InferInput<typeof ruleSchema>;

/** The rule that an entry asks for. */
export function directedRule({ select, to, format, template, property, acks = 0, ...more }: RuleEntry): DirectedRule {
  return { rule: rule(select, { ...more, properties: property }), to, format: formatOf(format, template), acks };
}

function formatOf(format: RuleEntry["format"], template: RuleEntry["template"]): FormatChoice | undefined {
  if (template !== undefined) return { by: "template", template };
  return format === undefined ? undefined : { by: format };
}
