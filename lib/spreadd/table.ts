// The `[spreadd]` table: the daemon of this host.
import * as v from "valibot";
import { formatAddress, parseAddress } from "../base/ip-address.ts";
import { LISTEN_FORM, parseListenAddress } from "../base/listen-address.ts";
import { duration, explained, integer, ipAddress, parsed, size } from "../base/schema.ts";
import { type Complaint, defineTable } from "../base/table.ts";
import { DEFAULT_PORT, DEFAULT_TLS_PORT } from "../spread/limits.ts";
import { isNameByte, NAME_FORMS, tryDaemonName } from "../spread/names.ts";
import { AUTH_METHODS } from "./authentication.ts";
import { PEER_SET_FORM, tryPeerSet } from "./peer.ts";

const METHOD_FORM = `an authentication method: ${AUTH_METHODS.join(", ")}`;

const pattern = parsed(
  'a pattern of group names such as "log.*" ("*" stands for anything, "?" for one character)',
  (text) =>
    text.length <= 64 && [...text].every((character) => isNameByte(character.charCodeAt(0)) || character === "#")
      ? text
      : undefined,
  { examples: ["*", "log.*", "mole.?"] },
);

const peerSet = parsed(PEER_SET_FORM, tryPeerSet, {
  examples: ["all", "unix", "user:syslog", "group:adm", "local", "10.0.0.0/8"],
});

const path = parsed("an absolute path of at most 107 bytes", (text) =>
  text.startsWith("/") && new TextEncoder().encode(text).length <= 107 ? text : undefined,
);

const account = parsed("a user or group: its name or number", (text) =>
  /^[^\s:]{1,64}$/.test(text) ? text : undefined,
);

const mode = parsed(
  'a mode of three octal digits such as "0660"',
  (text) => (/^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
  { examples: ["0666", "0660", "0600"] },
);

const allow = v.strictObject({
  from: v.pipe(
    v.array(peerSet, "a list of peers"),
    v.minLength(1, "at least one set of peers"),
    v.description(`Whom the rule is for, each ${PEER_SET_FORM}`),
  ),
  send: v.optional(
    v.pipe(
      v.array(pattern, "a list of patterns"),
      v.description("Groups they may send to, private groups of others included"),
    ),
    ["*"],
  ),
  join: v.optional(v.pipe(v.array(pattern, "a list of patterns"), v.description("Groups they may join")), ["*"]),
});

const group = v.strictObject({
  groups: v.pipe(
    v.array(pattern, "a list of patterns"),
    v.minLength(1, "at least one pattern"),
    v.description("The groups that this is for"),
  ),
  session_timeout: v.pipe(duration(), v.description("A dead TCP peer in one of these groups is noticed within this")),
});

/** Where our own clients look first. Everybody may make /tmp/PORT; this directory only root. */
export const DEFAULT_SOCKET = "/run/spreadbox/spread.sock";

/** Where `spreadd status` and its like find the daemon; "" where there is no such place. */
export function controlPath({ control, socket = DEFAULT_SOCKET }: Pick<SpreaddTable, "control" | "socket">): string {
  return control ?? `${socket.slice(0, socket.lastIndexOf("/"))}/spreadd.ctl`;
}

/** Groups of mole: who is in one must hear at once that it is alone. */
export const MOLE_GROUPS = ["mole", "mole.*", "mole-*"] as const;

/** Groups whose members have to be noticed dead sooner than others, unless the config says something else of them. */
export const BUILT_IN_GROUPS = [{ groups: MOLE_GROUPS, session_timeout: 1_000 }] as const;

const schema = v.strictObject({
  name: v.optional(
    v.pipe(
      parsed(NAME_FORMS["daemon name"], tryDaemonName),
      v.description(
        "The daemon's name, in every private group (#session#NAME); left out, the short host name, cut at 19",
      ),
    ),
  ),
  port: v.optional(
    v.pipe(
      integer(0, 65_535),
      v.description("TCP port, and the number in /tmp/PORT, where C clients look; 0: neither of the two"),
    ),
    DEFAULT_PORT,
  ),
  socket: v.optional(
    v.pipe(path, v.description("Unix socket; left out, /run/spreadbox/spread.sock where it can be made")),
  ),
  tmp_socket: v.optional(v.pipe(v.boolean("true or false"), v.description("Listen on /tmp/PORT as well")), true),
  listen: v.optional(
    v.pipe(
      v.array(ipAddress(), "a list of IP addresses"),
      v.description(
        "Addresses for TCP; left out, loopback alone. Spread knows no encryption: think before you open it",
      ),
    ),
  ),
  tls: v.optional(
    v.pipe(
      v.strictObject({
        listen: v.optional(
          v.pipe(
            v.array(
              explained(LISTEN_FORM, (text) => parseListenAddress(text, DEFAULT_TLS_PORT), {
                examples: [`0.0.0.0:${DEFAULT_TLS_PORT}`, `[::]:${DEFAULT_TLS_PORT}`],
              }),
              "a list of addresses with ports",
            ),
            v.minLength(1, "at least one address"),
            v.description("Where to listen"),
          ),
          [`0.0.0.0:${DEFAULT_TLS_PORT}`, `[::]:${DEFAULT_TLS_PORT}`],
        ),
        certificate: v.pipe(path, v.description("Our certificate, with its chain, in PEM form")),
        key: v.pipe(path, v.description("The key of our certificate, in PEM form")),
        authorities: v.pipe(
          path,
          v.description(
            "Certificates, in PEM form, of those who vouch for clients: each has to show one that they signed",
          ),
        ),
      }),
      v.description(
        "Clients of other hosts by TLS; what they may do, [[spreadd.allow]] says by the names in their certificates",
      ),
    ),
  ),
  socket_mode: v.optional(v.pipe(mode, v.description("Mode of the unix sockets")), "0666"),
  socket_owner: v.optional(
    v.pipe(account, v.description("Owner of the unix sockets; left out, whoever starts the daemon")),
  ),
  socket_group: v.optional(v.pipe(account, v.description("Group of the unix sockets"))),
  engine: v.optional(
    v.pipe(
      v.picklist(["local", "corosync"], '"local" or "corosync"'),
      v.description("What orders the messages: this host alone, or corosync, for the spreadd of all its hosts"),
    ),
    "local",
  ),
  system: v.optional(
    v.pipe(
      parsed("a name of 1 to 100 letters, digits, dots and dashes", (text) =>
        /^[\w.-]{1,100}$/.test(text) ? text : undefined,
      ),
      v.description("With corosync: daemons with the same word here form one system (a closed process group)"),
    ),
    "spreadbox",
  ),
  silence: v.optional(
    v.pipe(
      duration(),
      v.minValue(100, "at least 100ms"),
      v.description(
        "With corosync: it counts as dead when it does not send our messages back for this; longer than it takes to notice that a host is gone",
      ),
    ),
    "10s",
  ),
  outside: v.optional(
    v.pipe(
      v.picklist(["disconnect", "hold"], '"disconnect" or "hold"'),
      v.description(
        "With corosync, when it dies: sessions are disconnected, or see a ring of this host alone; those of mole are always disconnected",
      ),
    ),
    "disconnect",
  ),
  control: v.optional(
    v.pipe(
      parsed('an absolute path of at most 107 bytes, or "" for none', (text) =>
        text === "" || (text.startsWith("/") && new TextEncoder().encode(text).length <= 107) ? text : undefined,
      ),
      v.description(
        'Where `spreadd status` and `cluster status` ask it; left out, spreadd.ctl beside socket; "": nowhere',
      ),
    ),
  ),
  sessions_max: v.optional(
    v.pipe(integer(1, 65_536), v.description("Sessions at a time; the real daemon has 997")),
    4_096,
  ),
  session_groups_max: v.optional(
    v.pipe(integer(1, 1_000_000), v.description("Groups that one session may be in")),
    16_384,
  ),
  queue_messages_max: v.optional(
    v.pipe(
      integer(1, 10_000_000),
      v.description("Messages that wait for a slow session before it is cut off; the real daemon has 1000"),
    ),
    250_000,
  ),
  queue_bytes_max: v.optional(
    v.pipe(
      size(),
      v.minValue(262_144, "at least 256KiB"),
      v.description("Bytes that wait for a slow session before it is cut off"),
    ),
    "16MiB",
  ),
  queue_total_max: v.optional(
    v.pipe(
      size(),
      v.minValue(1_048_576, "at least 1MiB"),
      v.description("Bytes that wait for all sessions together; above it the slowest is cut off"),
    ),
    "256MiB",
  ),
  reader_patience: v.optional(
    v.pipe(
      duration(),
      v.description(
        "Senders wait for readers that keep taking; for readers that don't, this long and a tenth of the time; 0: for nobody",
      ),
    ),
    "1s",
  ),
  handshake_timeout: v.optional(
    v.pipe(
      duration(),
      v.minValue(100, "at least 100ms"),
      v.description("A client that says nothing is cut off after this"),
    ),
    "5s",
  ),
  session_timeout: v.optional(
    v.pipe(duration(), v.minValue(100, "at least 100ms"), v.description("A dead TCP peer is noticed within this")),
    "10s",
  ),
  auth: v.optional(
    v.pipe(
      v.array(v.picklist(AUTH_METHODS, METHOD_FORM), "a list of authentication methods"),
      v.description(
        "Methods offered to clients: NULL lets everybody in, IP looks at access_ip, PWORD asks for a password",
      ),
    ),
    ["NULL"],
  ),
  auth_required: v.optional(
    v.pipe(
      v.array(v.picklist(["NULL", "IP"], '"IP" or "NULL"'), "a list of authentication methods"),
      v.description("Methods that must succeed as well, whatever the client chooses"),
    ),
    [],
  ),
  access_ip: v.optional(
    v.pipe(v.array(peerSet, "a list of peers"), v.description(`Whom IP lets in, each ${PEER_SET_FORM}`)),
    [],
  ),
  password_file: v.optional(
    v.pipe(path, v.description("Users for PWORD: a line NAME:HASH each, as crypt(3) makes them")),
  ),
  allow: v.optional(
    v.pipe(
      v.array(allow, "[[spreadd.allow]] tables"),
      v.description("Who may connect, send and join; with one rule or more, nobody else may connect"),
    ),
    [],
  ),
  group: v.optional(
    v.pipe(v.array(group, "[[spreadd.group]] tables"), v.description("What is different for some groups")),
    [],
  ),
});

/** What `[spreadd]` says. */
export type SpreaddTable = v.InferOutput<typeof schema>;

/** Where TCP is served when nothing is said. */
export const LOOPBACK = [parseAddress("127.0.0.1"), parseAddress("::1")];

export const spreaddTable = defineTable({
  name: "spreadd",
  summary: "spreadd, the group communication daemon of this host, for clients of the Spread toolkit and ours",
  schema,
  check: (table) => [
    ...authComplaints(table),
    ...addressesTwice(table),
    ...(table.queue_total_max < table.queue_bytes_max
      ? [complaint(["queue_total_max"], "contradicts", "is less than queue_bytes_max: one queue alone would break it")]
      : []),
    ...(table.socket === `/tmp/${table.port}` && table.tmp_socket
      ? [complaint(["socket"], "twice", "is the socket that tmp_socket makes already: leave it out")]
      : []),
  ],
  starter: `\
# The name in private groups (#session#NAME); the short host name unless said.
# name = "node1"
# TCP port on loopback, and the number in /tmp/PORT, where C clients look.
# port = 4803
# socket = "/run/spreadbox/spread.sock"
# socket_mode = "0660"
# socket_group = "adm"
# Other addresses than loopback. Spread knows no encryption.
# listen = ["127.0.0.1", "10.0.0.1"]
# A dead TCP peer is noticed within this.
# session_timeout = "10s"
# One system with the spreadd of all hosts of a corosync ring (spreadbox cluster init); silence: longer than a change of that ring takes.
# engine = "corosync"
# silence = "2s"

# Clients of hosts that have no daemon, by TLS with certificates. spreadd reload (or SIGHUP) reads the files anew.
# [spreadd.tls]
# listen = ["0.0.0.0:4804"]
# certificate = "/etc/spreadbox/server.pem"
# key = "/etc/spreadbox/server.key"
# authorities = "/etc/spreadbox/ca.pem"

# Who may connect, send and join. With one rule or more, nobody else may connect. spreadd reload (or SIGHUP) takes other rules.
# [[spreadd.allow]]
# from = ["user:root", "user:syslog"]
# [[spreadd.allow]]
# from = ["group:adm", "tls:*.example.com"]
# send = []
# join = ["log.*", "spreadbox.groups"]
`,
});

function authComplaints({ auth, auth_required, access_ip, password_file }: SpreaddTable): Complaint[] {
  const usesIp = auth.includes("IP") || auth_required.includes("IP");
  const complaints: Complaint[] = [];
  if (auth.length === 0) complaints.push(complaint(["auth"], "nobody", "no method: nobody could connect"));
  if (usesIp && access_ip.length === 0)
    complaints.push(complaint(["access_ip"], "nobody", "is empty while IP is asked for: nobody could connect"));
  if (!usesIp && access_ip.length > 0)
    complaints.push(
      complaint(["access_ip"], "never-used", 'is never looked at: "IP" is in neither auth nor auth_required'),
    );
  if (auth.includes("PWORD") !== (password_file !== undefined))
    complaints.push(
      complaint(["password_file"], "contradicts", 'goes together with "PWORD" in auth: give both or neither'),
    );
  return complaints;
}

function addressesTwice({ listen = [] }: SpreaddTable): Complaint[] {
  const texts = listen.map(formatAddress);
  return texts.flatMap((text, at) =>
    texts.indexOf(text) === at ? [] : [complaint(["listen", at], "twice", `${text} is listed already`)],
  );
}

const complaint = (where: readonly (string | number)[], code: string, message: string): Complaint => ({
  path: where,
  code,
  message,
});
