import { Fault } from "../../lib/base/fault.ts";
import type { Call } from "../../lib/cli/call.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { type Style, styleFor } from "../../lib/cli/style.ts";
import { type DumpEntry, dumpLine } from "../../lib/probe/dump-entry.ts";
import { Conversation, DumpStream } from "../../lib/probe/dump-stream.ts";
import { DumpProxy } from "../../lib/probe/io/dump-proxy.ts";
import { formatServer, parseServer, type Server } from "../../lib/spread/server.ts";
import { daemonOptions } from "./daemon.ts";
import { wholeNumber } from "./figures.ts";

const DEFAULT_BODY_BYTES = 48;

const FLAGS = {
  listen: {
    type: "value",
    short: "l",
    hint: "PORT",
    about: "take clients here and pass them on; a bare number is TCP on loopback and /tmp/PORT",
    read: parseListen,
  },
  to: {
    type: "value",
    hint: "DAEMON",
    about: "with --listen: the daemon behind it; unless given, that of the configuration",
    read: parseServer,
  },
  direction: {
    type: "value",
    short: "d",
    hint: "WAY",
    about: "of a recording: what the client sent, or the daemon",
    choices: ["c2s", "s2c"],
  },
  frames: { type: "switch", about: "the recording begins behind the handshake" },
  body: {
    type: "value",
    hint: "BYTES",
    about: "show so much of each body",
    read: wholeNumber(0, 144_000),
    default: String(DEFAULT_BODY_BYTES),
  },
} as const;

export const dumpCommand = defineCommand({
  name: "dump",
  summary: "decodes what clients and daemon say to each other, one line a frame",
  about:
    "Live, it listens at a port and passes all on to a daemon unchanged: let a client connect there. Or it reads a recorded stream, of one direction, from FILE or stdin.\n\n" +
    "Each line has the direction, the offset in its stream, what it is, and what it says. What breaks the protocol is shown with the offset of the mistake, and the next frame after " +
    "it where its lengths can be believed.",
  examples: [
    { line: "spread-probe dump --listen 4804 --to 4803@localhost", about: "then: spuser -s 4804@localhost, and watch" },
    { line: "spread-probe dump --direction s2c recorded.bin", about: "what a daemon said" },
    { line: "nc -l 4803 | spread-probe dump --direction c2s --json -", about: "an object a unit, for programs" },
  ],
  positionals: [{ name: "FILE", about: 'a recorded stream; "-" or none is stdin' }],
  flags: FLAGS,
  sections: [{ title: "Exit status", text: "0; with a recording 65 if something in it breaks the protocol." }],
  json: true,
  async run(call) {
    const { listen, direction } = call.flags;
    if (listen !== undefined && (direction !== undefined || call.positionals.length > 0))
      throw new Fault(
        "usage",
        "contradicts",
        "cannot use --listen together with a recording: FILE and --direction are for streams",
      );
    if (listen !== undefined) return await dumpLive(call, listen);
    if (direction === undefined)
      throw new Fault(
        "usage",
        "direction",
        "cannot tell what to dump: give --listen PORT for live, or --direction c2s or s2c for a recording",
      );
    return await dumpRecording(call, direction);
  },
});

async function dumpLive(call: Call<typeof FLAGS>, listen: readonly Server[]): Promise<number> {
  const target = call.flags.to ?? daemonOptions(call, []).servers[0]!;
  for (const server of [target, ...listen])
    if (server.by === "tls")
      throw new Fault(
        "usage",
        "tls",
        `cannot dump ${formatServer(server)}: what goes over TLS is for its two ends alone`,
      );
  const style = styleFor(call.out.colour);
  const say = (connection: number, lines: readonly string[]) =>
    call.out.write(lines.map((line) => `${style.faint(`${now()} #${connection}`)} ${line}\n`).join(""));
  const tell = (connection: number, facts: readonly object[]) =>
    call.out.write(
      facts.map((fact) => `${JSON.stringify({ at: new Date().toISOString(), connection, ...fact })}\n`).join(""),
    );
  const options = { bodyBytes: call.flags.body ?? DEFAULT_BODY_BYTES };
  using _proxy = new DumpProxy(listen, target, options, {
    entries: (connection, entries) =>
      call.json
        ? tell(connection, entries)
        : say(
            connection,
            entries.map((entry) => painted(entry, style)),
          ),
    opened: (connection) => void (call.json ? tell(connection, [{ kind: "opened" }]) : say(connection, ["opened"])),
    closed: (connection, reason) =>
      void (call.json ? tell(connection, [{ kind: "closed", reason }]) : say(connection, [`closed: ${reason}`])),
  });
  call.log.notice(`listening at ${listen.map(formatServer).join(" and ")}, passing on to ${formatServer(target)}`);
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of [call.stop, call.out.closed]) signal.addEventListener("abort", () => resolve());
  if (!call.stop.aborted) await promise;
  return 0;
}

async function dumpRecording(call: Call<typeof FLAGS>, direction: "c2s" | "s2c"): Promise<number> {
  const style = styleFor(call.out.colour);
  const stream = new DumpStream(direction, new Conversation(), {
    bodyBytes: call.flags.body ?? DEFAULT_BODY_BYTES,
    framesOnly: call.flags.frames,
  });
  let broken = false;
  const print = async (entries: readonly DumpEntry[]) => {
    broken ||= entries.some(({ kind }) => kind === "broken" || kind === "undecodable" || kind === "cut");
    const lines = entries.map((entry) => (call.json ? JSON.stringify(entry) : painted(entry, style)));
    if (lines.length > 0) await call.out.write(`${lines.join("\n")}\n`);
  };
  for await (const chunk of chunksOf(call.positionals[0] ?? "-")) {
    if (call.stop.aborted || call.out.closed.aborted) return 0;
    await print(stream.push(chunk));
  }
  await print(stream.end());
  return broken ? exitCodeOf("data") : 0;
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* path === "-" ? Bun.stdin.stream() : Bun.file(path).stream();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new Fault(
      "no-input",
      code,
      `cannot read ${path}: ${code === "ENOENT" ? "no such file" : error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

function painted(entry: DumpEntry, style: Style): string {
  const line = dumpLine(entry);
  return entry.kind === "broken" || entry.kind === "undecodable" || entry.kind === "cut" || entry.kind === "refuse"
    ? style.bad(line)
    : line;
}

/** A bare number is where clients of this host look, both ways; else as any server is written. */
function parseListen(text: string): readonly Server[] {
  if (!/^\d+$/.test(text)) return [parseServer(text)];
  return [parseServer(`tcp:127.0.0.1:${text}`), parseServer(`unix:/tmp/${Number(text)}`)];
}

function now(): string {
  return new Date().toISOString().slice(11, 23);
}
