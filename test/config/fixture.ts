// Tables as the rooms have them, small, for the tests of the loader.
import * as v from "valibot";
import { Fault } from "../../lib/base/fault.ts";
import { nearest } from "../../lib/base/nearest.ts";
import { duration, explained, integer, network, parsed, size } from "../../lib/base/schema.ts";
import { defineTable, type TableSpec } from "../../lib/base/table.ts";
import { buildConfig, type Config } from "../../lib/config/config.ts";
import { readText } from "../../lib/config/read.ts";

const FACILITIES = ["kern", "mail", "auth", "daemon", "local0"];

function readSelector(text: string): string {
  const facility = text.split(".")[0]!;
  if (facility === "*" || FACILITIES.includes(facility)) return text;
  const meant = nearest(facility, FACILITIES);
  const hint = meant === undefined ? `known are ${FACILITIES.join(", ")}` : `did you mean "${meant}"?`;
  throw new Fault(
    "usage",
    "selector",
    `unknown facility ${JSON.stringify(facility)} in ${JSON.stringify(text)}; ${hint}`,
  );
}

const sink = parsed(
  'a sink such as "file:/var/log/mail" or "group:log.mail"',
  (text) => (/^(file|group):/.test(text) ? text : undefined),
  { suggest: (text) => (text.startsWith("/") ? `file:${text}` : undefined) },
);

export const spreaddTable = defineTable({
  name: "spreadd",
  summary: "the daemon of the group communication",
  schema: v.strictObject({
    name: v.optional(
      v.pipe(v.string(), v.minLength(1), v.maxLength(19), v.description("The daemon's part of private names")),
      "localhost",
    ),
    port: v.optional(v.pipe(integer(1, 65535), v.description("TCP port on loopback")), 4803),
    socket: v.optional(v.string(), "/run/spreadbox/spread.sock"),
    session_timeout: v.optional(v.pipe(duration(), v.description("A dead peer is noticed within this")), "10s"),
    queue: v.optional(v.pipe(size(), v.description("Of one session")), "4MiB"),
    engine: v.optional(v.picklist(["local", "corosync"]), "local"),
    tcp: v.optional(v.boolean(), true),
    allow: v.optional(v.array(network()), ["127.0.0.0/8"]),
    limits: v.optional(
      v.strictObject({
        sessions_max: v.optional(integer(1, 100_000), 4096),
        groups_max: v.optional(integer(1, 1_000_000)),
      }),
      {},
    ),
  }),
  check: ({ tcp, port }) =>
    !tcp && port !== 4803
      ? [{ path: ["port"], code: "contradiction", message: "is set, and tcp = false switches TCP off" }]
      : [],
  starter: '# port = 4803\n# session_timeout = "10s"\n',
});

export const syslogdTable = defineTable({
  name: "syslogd",
  summary: "the host's log messages",
  schema: v.strictObject({
    rule: v.optional(
      v.array(
        v.strictObject({
          select: v.optional(explained('a selector such as "mail.info"', readSelector), "*.*"),
          to: sink,
          stop: v.optional(v.boolean(), false),
        }),
      ),
      [],
    ),
    queue: v.optional(v.union([size(), v.literal(false)]), "1MiB"),
    source: v.optional(
      v.array(
        v.variant("kind", [
          v.strictObject({ kind: v.literal("udp"), port: v.optional(integer(1, 65535), 514) }),
          v.strictObject({ kind: v.literal("unix"), path: v.string() }),
        ]),
      ),
      [],
    ),
    sets: v.optional(v.record(v.string(), v.array(v.string())), {}),
  }),
  starter: '# A rule\n# [[syslogd.rule]]\n# select = "mail.*"\n# to = "file:/var/log/mail"\n',
});

export const tables: readonly TableSpec[] = [spreaddTable, syslogdTable];

/** Files by name, in their order, as the loader would have read them. */
export function configOf(files: Readonly<Record<string, string>>): Config {
  return buildConfig(
    Object.entries(files).map(([file, text]) => readText(text, file)),
    tables,
  );
}

/** Everything that is wrong, a line each. */
export function mistakesIn(files: Readonly<Record<string, string>> | string): readonly string[] {
  try {
    configOf(typeof files === "string" ? { f: files } : files);
    return [];
  } catch (failure) {
    if (failure instanceof Fault) return failure.all.map(({ message }) => message);
    throw failure;
  }
}
