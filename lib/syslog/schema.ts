// Valibot pieces for what the tables of syslogd and logcat hold.
import { explained, parsed } from "../base/schema.ts";
import { parseNameList } from "./name-list.ts";
import { parsePropertyTest } from "./property.ts";
import { parseSelector } from "./selector.ts";
import { parseTemplate } from "./template.ts";
import { tryZone } from "./zone.ts";

/** A selector, compiled. A mistake is told with its place and what was most likely meant. */
export const selectorSchema = () =>
  explained('a selector such as "*.info;mail.none;kern.!=err"', parseSelector, {
    examples: ["*.*", "mail.info", "auth,authpriv.*", "*.info;mail.none;kern.!=err"],
  });

/** A template, read. */
export const templateSchema = () =>
  explained('a template such as "/var/log/%host%/%app%.log"', parseTemplate, {
    examples: ["/var/log/%host%/%app%.log", "log.%facility%.%app%", "%timereceived% %host% %app%: %msg%"],
  });

/** A classic property filter, compiled. */
export const propertySchema = () =>
  explained("a property filter such as ':msg, contains, \"error\"'", parsePropertyTest, {
    examples: [':msg, contains, "error"', ':app, !icase_startswith, "ssh"', ':sd.origin.ip, isequal, "192.0.2.7"'],
  });

/** Names of programs. */
export const programsSchema = () =>
  explained('names such as "sshd", "postfix/*,dovecot" or "!cron"', (text) => parseNameList(text, false), {
    examples: ["sshd", "postfix/*,dovecot", "!cron"],
  });

/** Names of hosts. */
export const hostsSchema = () =>
  explained('names such as "web1", "web*,db1" or "!gw"', (text) => parseNameList(text, true), {
    examples: ["web1", "web*,db1", "!gw"],
  });

/** A regular expression. */
export const expressionSchema = () =>
  parsed("a regular expression", tryExpression, { examples: ["Failed password", "^error: [0-9]+"] });

/** A time zone: what tells its offset. */
export const zoneSchema = () =>
  parsed('a time zone such as "Europe/Berlin" or "+05:30"', tryZone, { examples: ["UTC", "Europe/Berlin", "+05:30"] });

function tryExpression(source: string): RegExp | undefined {
  try {
    return new RegExp(source);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
