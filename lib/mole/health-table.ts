// `[[mole.health]]`: what has to work on a host for it to hold a vip.
import * as v from "valibot";
import { duration, integer, parsed } from "../base/schema.ts";
import type { Complaint } from "../base/table.ts";
import { vipName } from "./vip-table.ts";

const COMMAND_FORM = 'a command as a list of words: ["/usr/local/bin/check", "--fast"]';

/** A program and its arguments: no shell reads it. */
export const command = v.pipe(
  v.array(v.pipe(v.string(COMMAND_FORM), v.minLength(1, "a word")), COMMAND_FORM),
  v.minLength(1, COMMAND_FORM),
);

const tcp = parsed(
  'where to connect: "127.0.0.1:80", "[::1]:80" or "80", a port of this host',
  (text) => {
    const match = /^(?:\[([^\]]+)\]|([^\s:]+)):(\d{1,5})$/.exec(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text);
    const port = Number(match?.[3]);
    if (match === null || port < 1 || port > 65_535) return undefined;
    return { host: (match[1] ?? match[2])!, port };
  },
  { examples: ["127.0.0.1:80"] },
);

const http = parsed(
  'a URL such as "http://127.0.0.1/health"',
  (text) => (/^https?:\/\/[^\s/]+\S*$/.test(text) ? text : undefined),
  { examples: ["http://127.0.0.1/health"] },
);

/** One entry. */
export const health = v.strictObject({
  name: v.pipe(vipName, v.description("What status and logs call it")),
  vips: v.optional(
    v.pipe(v.array(vipName, "a list of vips"), v.description("The vips that need it; left out, all")),
    undefined,
  ),
  command: v.optional(
    v.pipe(command, v.description("Works if this program ends with status 0; what it leaves running is killed then")),
  ),
  tcp: v.optional(v.pipe(tcp, v.description("Works if somebody takes a connection there"))),
  http: v.optional(v.pipe(http, v.description("Works if this URL answers with a status of `expect`"))),
  expect: v.optional(
    v.pipe(
      v.array(integer(100, 599), "a list of HTTP statuses"),
      v.description("The HTTP statuses that mean well; left out, 200 to 399"),
    ),
  ),
  process: v.optional(
    v.pipe(
      v.pipe(v.string("the name of a program"), v.minLength(1, "the name of a program")),
      v.description("Works if a process of this name runs"),
    ),
  ),
  interval: v.optional(v.pipe(duration(), v.description("From the beginning of one check to the next")), "2s"),
  timeout: v.optional(v.pipe(duration(), v.description("A check that takes longer has failed")), "1s"),
  rise: v.optional(v.pipe(integer(1, 1_000), v.description("How many successes in a row make it well")), 2),
  fall: v.optional(v.pipe(integer(1, 1_000), v.description("How many failures in a row make it ill")), 3),
});

export type HealthTable = v.InferOutput<typeof health>;

/** Shorter intervals would be load, not knowledge. */
const INTERVAL_MS_MIN = 50;

/** What is wrong with the checks. Paths begin at `[mole]`. */
export function checkHealth(checks: readonly HealthTable[], vips: readonly string[]): readonly Complaint[] {
  const complaints: Complaint[] = [];
  const names = new Map<string, number>();
  const complain = (at: number, key: string, code: string, message: string) =>
    complaints.push({ path: key === "" ? ["health", at] : ["health", at, key], code, message });
  for (const [at, check] of checks.entries()) {
    const before = names.get(check.name);
    if (before === undefined) names.set(check.name, at);
    else complain(at, "name", "name-twice", `${JSON.stringify(check.name)} is the name of mole.health[${before}] too`);
    const kinds = (["command", "tcp", "http", "process"] as const).filter((kind) => check[kind] !== undefined);
    if (kinds.length === 0)
      complain(at, "", "no-check", 'checks nothing: give one of "command", "tcp", "http" and "process"');
    else if (kinds.length > 1)
      complain(at, kinds[1]!, "two-checks", `has ${kinds.join(" and ")}: one entry checks one thing`);
    if (check.process?.includes("/"))
      complain(
        at,
        "process",
        "path",
        `is ${JSON.stringify(check.process)}; expected the name alone, as ps -o comm shows it: ${JSON.stringify(check.process.replace(/.*\//, ""))}`,
      );
    if (check.expect !== undefined && check.http === undefined)
      complain(at, "expect", "no-http", 'is for checks by "http" alone');
    if (check.interval < INTERVAL_MS_MIN) complain(at, "interval", "short", `is under ${INTERVAL_MS_MIN}ms`);
    if (check.timeout === 0) complain(at, "timeout", "short", "is 0: no check would ever succeed");
    complaints.push(...unknownVips(check.vips, vips, ["health", at, "vips"]));
  }
  return complaints;
}

/** Names that no vip has. */
export function unknownVips(
  named: readonly string[] | undefined,
  vips: readonly string[],
  path: Complaint["path"],
): readonly Complaint[] {
  return (named ?? []).flatMap((name, nth) =>
    vips.includes(name)
      ? []
      : [{ path: [...path, nth], code: "unknown-vip", message: `no vip is called ${JSON.stringify(name)}` }],
  );
}
