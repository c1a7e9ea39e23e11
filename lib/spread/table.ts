// The `[spread]` table: how every command of ours reaches a daemon.
import * as v from "valibot";
import { DEFAULT_BACK_OFF } from "../base/back-off.ts";
import { duration, parsed, size } from "../base/schema.ts";
import type { Complaint, TableSpec } from "../base/table.ts";
import { NAME_FORMS, tryPrivateName } from "./names.ts";
import { UNSENT_POLICIES, type UnsentPolicy } from "./sending.ts";
import { DEFAULT_SERVERS, formatServer, SERVER_FORM, tryServer } from "./server.ts";

/** What a session does when it is told nothing. */
export const DEFAULTS = {
  connectTimeoutMs: 5_000,
  /** A ring of the real daemon that forms anew takes up to 10 s, and is silent meanwhile. */
  silenceMs: 15_000,
  unsent: "keep" as UnsentPolicy,
  unsentBytes: 1_048_576,
  inboxBytes: 16 * 1_048_576,
  closeMs: 2_000,
  /** By TLS a connection costs the daemon some milliseconds: hundreds of clients of a dead one must not all come in the same 50. */
  rejoinSpreadMs: 2_000,
} as const;

/** How servers are tried: in the order of the list, or those first that answer soonest. */
export const SERVER_ORDERS = ["listed", "nearest"] as const;
export type ServerOrder = (typeof SERVER_ORDERS)[number];

const file = parsed('an absolute path such as "/etc/spreadbox/client.pem"', (text) =>
  /^\/[^\0]+$/.test(text) ? text : undefined,
);

const schema = v.strictObject({
  servers: v.pipe(
    v.optional(
      v.pipe(
        v.array(parsed(SERVER_FORM, tryServer), "a list of daemons"),
        v.minLength(1, "a list of at least one daemon"),
      ),
      DEFAULT_SERVERS.map(formatServer),
    ),
    v.description(
      'Daemons in order of preference: "unix:/path", "tcp:host:4803", "tls:host:4804", "4803@host", "4803" (the socket /tmp/4803).',
    ),
  ),
  order: v.pipe(
    v.optional(v.picklist(SERVER_ORDERS, 'one of "listed" and "nearest"'), "listed"),
    v.description(
      'Which daemon is tried first: the first of the list ("listed"), or the one that answers soonest ("nearest").',
    ),
  ),
  tls: v.pipe(
    v.optional(
      v.strictObject({
        certificate: v.pipe(file, v.description("Our certificate, with its chain, in PEM form")),
        key: v.pipe(file, v.description("The key of our certificate, in PEM form")),
        authorities: v.pipe(file, v.description("The certificates, in PEM form, of those who vouch for daemons")),
        server_name: v.optional(
          v.pipe(
            parsed("a host name", (text) => (/^[\w.-]{1,253}$/.test(text) ? text : undefined)),
            v.description("The name that daemons' certificates are for, where it is not the host of the server"),
          ),
        ),
      }),
    ),
    v.description("Who we are to daemons by TLS, and whom we trust."),
  ),
  name: v.pipe(
    v.optional(parsed(NAME_FORMS["private name"], tryPrivateName)),
    v.description("What the session is called on its daemon, 1 to 10 characters. Unset, the daemon invents a name."),
  ),
  connect_timeout: v.pipe(
    v.optional(duration(), "5s"),
    v.description("How long one daemon may take to accept; where another is named behind it, 1.5 s at most."),
  ),
  silence: v.pipe(
    v.optional(duration(), "15s"),
    v.description('A daemon that gives no sign of life for so long is given up; "0" waits for ever.'),
  ),
  retry_first: v.pipe(
    v.optional(duration(), `${DEFAULT_BACK_OFF.firstMs}ms`),
    v.description(
      "The first wait before a lost daemon is looked for again; doubled each time, part of it left to chance.",
    ),
  ),
  retry_most: v.pipe(v.optional(duration(), "5s"), v.description("The longest wait before the next try.")),
  rejoin_spread: v.pipe(
    v.optional(duration()),
    v.description(
      "A lost daemon is looked for again at a moment left to chance within this, lest all its clients come at once; left out, 2s by TLS, 0 otherwise.",
    ),
  ),
  unsent: v.pipe(
    v.optional(v.picklist(UNSENT_POLICIES, 'one of "keep" and "drop"'), DEFAULTS.unsent),
    v.description(
      'Messages that could not be sent: "keep" sends them over the next connection, "drop" gives them up and counts them.',
    ),
  ),
  unsent_size: v.pipe(
    v.optional(size(), "1MiB"),
    v.description("How much may wait to be sent before senders wait themselves."),
  ),
  inbox_size: v.pipe(
    v.optional(size(), "16MiB"),
    v.description("How much may be received and not yet worked on before nothing more is read."),
  ),
});

/** The values of the `[spread]` table. */
export type SpreadTable = v.InferOutput<typeof schema>;

export const spreadTable: TableSpec<typeof schema> = {
  name: "spread",
  summary: "How to reach the group communication daemon",
  schema,
  check(table) {
    const complaints: Complaint[] = [];
    if (table.retry_first > table.retry_most)
      complaints.push({
        path: ["retry_first"],
        code: "above-most",
        message: "is longer than retry_most; expected at most as long",
      });
    const byTls = table.servers.findIndex(({ by }) => by === "tls");
    if (byTls >= 0 && table.tls === undefined)
      complaints.push({
        path: ["servers", byTls],
        code: "no-tls",
        message: "is reached by TLS, and there is no [spread.tls] with certificate, key and authorities",
      });
    return complaints;
  },
  starter: `# Daemons in order of preference.
#servers = [${DEFAULT_SERVERS.map((server) => `"${formatServer(server)}"`).join(", ")}]
# From a host outside of the ring: by TLS, the daemon that answers soonest; another when it dies.
#order = "nearest"
# A daemon that gives no sign of life for so long is given up.
#silence = "15s"
# Messages that could not be sent: "keep" or "drop".
#unsent = "keep"
# For servers such as "tls:node1:4804".
#[spread.tls]
#certificate = "/etc/spreadbox/client.pem"
#key = "/etc/spreadbox/client.key"
#authorities = "/etc/spreadbox/ca.pem"
`,
};

/** A session's options by the table. A command's own flags go on top. */
export function sessionOptionsOf(table: SpreadTable) {
  return {
    servers: table.servers,
    order: table.order,
    ...(table.tls === undefined ? {} : { tls: tlsIdentityOf(table.tls) }),
    ...(table.rejoin_spread === undefined ? {} : { rejoinSpreadMs: table.rejoin_spread }),
    ...(table.name === undefined ? {} : { name: table.name }),
    connectTimeoutMs: table.connect_timeout,
    silenceMs: table.silence,
    backOff: { ...DEFAULT_BACK_OFF, firstMs: table.retry_first, mostMs: table.retry_most },
    unsent: table.unsent,
    unsentBytes: table.unsent_size,
    inboxBytes: table.inbox_size,
  };
}

const tlsIdentityOf = ({ server_name: serverName, ...files }: NonNullable<SpreadTable["tls"]>) => ({
  ...files,
  serverName,
});
