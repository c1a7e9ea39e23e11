// The probe's commands as children of a test, from source: a stale build is not what is under test here.
import { join } from "node:path";
import { projectRoot } from "../support/binary.ts";
import { type Child, type ChildOptions, start } from "../support/child.ts";
import { startRealSpread } from "../support/real-spread.ts";
import { temporaryDirectory } from "../support/temporary.ts";

export const SPREADBOX = [process.execPath, join(projectRoot, "cmd/main.ts")];

export const startProbe = (args: readonly string[], options?: ChildOptions): Child =>
  start([...SPREADBOX, "spread-probe", ...args], options);

export async function runProbe(
  args: readonly string[],
  options?: ChildOptions,
): Promise<{ status: number; stdout: string; stderr: string }> {
  await using child = startProbe(args, options);
  return await child.result();
}

/** Runs with `--json` and reads every line of stdout. */
// biome-ignore lint/suspicious/noExplicitAny: what JSON holds is what the test is about to say
export async function probeJson(args: readonly string[]): Promise<{ status: number; objects: any[] }> {
  const { status, stdout } = await runProbe([...args, "--json"]);
  return {
    status,
    objects: stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line)),
  };
}

export interface DaemonUnderTest extends AsyncDisposable {
  readonly tcp: string;
  readonly unix: string;
  kill(): Promise<void>;
}

/** A spreadd of ours on this port, ready. */
export async function startOurs(port: number): Promise<DaemonUnderTest> {
  const directory = temporaryDirectory();
  const socket = join(directory.path, "spread.sock");
  const child = start([
    ...SPREADBOX,
    "spreadd",
    "--port",
    String(port),
    "--name",
    "dmn1",
    "--socket",
    socket,
    "--no-tmp-socket",
  ]);
  const kill = async () => {
    child.signal("SIGKILL");
    await child.exited;
  };
  await child.stderr.until("listens on");
  return {
    tcp: `${port}@127.0.0.1`,
    unix: `unix:${socket}`,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      directory[Symbol.dispose]();
    },
  };
}

/** The real daemon on this port, its ring formed. */
export async function startReal(port: number): Promise<DaemonUnderTest> {
  return await startRealSpread({ port });
}
