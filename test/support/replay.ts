// scripts/replay: plays the recordings of `dmn1` against a daemon that runs already.
import { parseServer, type Server } from "../../lib/spread/server.ts";
import { type Vector, vectors } from "../spread/vector.ts";
import { BETTER_ANSWERS } from "../spreadd/better-answers.ts";
import { NEEDS_QUOTA, NEEDS_SIGTERM, replay } from "./replayer.ts";

const USAGE = `\
scripts/replay [--unix PATH] HOST:PORT [VECTOR...]
  Plays recorded conversations against the daemon there, which must be called dmn1, and says where its answers differ.
  Without names: all that need no special daemon. ${NEEDS_QUOTA} needs sessions_max = 997, auth-* the options they name; ${NEEDS_SIGTERM} a child of ours.
  Environment: SPREADBOX_VECTORS names further directories of vectors; REPLAY_WAIT_MS bounds each wait (default 8000).

  scripts/replay 127.0.0.1:4803
  scripts/replay --unix /tmp/4803 127.0.0.1:4803 unix-accept-join-send
`;

/** Recordings of a lone daemon called dmn1, in the order of their names. */
export function recordingsOfOneDaemon(): readonly Vector[] {
  return vectors().filter(({ daemon, steps }) => daemon.name === "dmn1" && steps.length > 0);
}

async function main(args: string[]): Promise<number> {
  const unixAt = args.indexOf("--unix");
  const [, unixPath] = unixAt < 0 ? [] : args.splice(unixAt, 2);
  const [address, ...names] = args;
  if (address === undefined || address.startsWith("-")) {
    process.stderr.write(USAGE);
    return 64;
  }
  const tcp = parseServer(`tcp:${address}`) as Extract<Server, { by: "tcp" }>;
  const unix = parseServer(`unix:${unixPath ?? `/tmp/${tcp.port}`}`) as Extract<Server, { by: "unix" }>;
  const all = recordingsOfOneDaemon();
  const chosen = names.length > 0 ? all.filter(({ name }) => names.includes(name)) : all.filter(needsNothing);
  for (const name of names.filter((wanted) => !all.some((vector) => vector.name === wanted)))
    throw new Error(`no recording of dmn1 is called ${JSON.stringify(name)}`);
  let differing = 0;
  for (const vector of chosen) {
    try {
      await replay(vector, { tcp, unix, waitMs: Number(process.env["REPLAY_WAIT_MS"] ?? 8_000) });
      process.stdout.write(`same     ${vector.name}\n`);
    } catch (error) {
      const better = BETTER_ANSWERS.get(vector.name);
      if (better === undefined) differing += 1;
      const text = error instanceof Error ? error.message : String(error);
      process.stdout.write(
        `${better === undefined ? "DIFFERS" : "better "}  ${text}${better === undefined ? "" : ` [${better}]`}\n`,
      );
    }
  }
  process.stdout.write(`${chosen.length} recordings played, ${differing} answered otherwise than they should be\n`);
  return differing === 0 ? 0 : 1;
}

function needsNothing({ name, daemon }: Vector): boolean {
  return daemon.options === undefined && name !== NEEDS_QUOTA && name !== NEEDS_SIGTERM;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
