// From the process to a command and back: arguments in, exit status out. The one place where errors become exit statuses,
// where signals become a stop, and where an error in the program itself is told without a stack trace.
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import type { Call, FlagValues, Output, VersionFacts } from "../call.ts";
import type { AnyCommand, Flag } from "../command.ts";
import { type Decision, dispatch, UsageFault } from "../dispatch.ts";
import { EXIT_SOFTWARE, EXIT_UNKNOWN, exitCodeOf } from "../exit-codes.ts";
import { renderHelp } from "../help.ts";
import { standardErrorLog } from "./log.ts";
import { standardOutput } from "./output.ts";

/** Runs the process as `root` says, and ends it. */
export async function runProcess(root: AnyCommand, version: VersionFacts): Promise<never> {
  const argv = process.argv.slice(2);
  const env = process.env;
  const out = standardOutput(env);
  const failed = (path: readonly string[], error: unknown) => reportFailure(error, { path, argv, out });
  let path: readonly string[] = [root.name];
  const onStray = async (error: unknown) => process.exit(await failed(path, error));
  // Where nobody can be told, the work goes on: a full disk behind stderr, or a reader of it that left, must not end a service.
  process.stderr.on("error", () => {});
  process.on("uncaughtException", onStray);
  process.on("unhandledRejection", onStray);
  try {
    const decision = dispatch(root, process.argv0, argv);
    if (decision.do !== "version") path = decision.path;
    const status = await carryOut(decision, { out, env, version });
    process.exit(status === 0 ? await outputStatus(out, path) : status);
  } catch (error) {
    // Whoever was waiting when the signal came may pass its name on as the reason: an end that was asked for, not a failure.
    if (error === "SIGINT" || error === "SIGTERM") process.exit(SIGNAL_STATUS[error]);
    process.exit(await failed(error instanceof UsageFault ? error.path : path, error));
  }
}

/** What a shell shows of a program that a signal ended. */
const SIGNAL_STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

/** What was written is not there: a result that nobody can read is no success. A reader that went away has seen enough. */
async function outputStatus(out: Output, path: readonly string[]): Promise<number> {
  const reason: unknown = out.closed.reason;
  if (!out.closed.aborted || (reason as NodeJS.ErrnoException | undefined)?.code === "EPIPE") return 0;
  process.stderr.write(`${shortName(path)}: cannot write to standard output: ${reasonOf(reason)}\n`);
  return exitCodeOf("io");
}

interface Surroundings {
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly version: VersionFacts;
}

async function carryOut(decision: Decision, { out, env, version }: Surroundings): Promise<number> {
  if (decision.do === "version") {
    await out.write(`spreadbox ${version.version} (commit ${version.commit}, ${version.target}, ${version.runtime})\n`);
    return 0;
  }
  const { command, path } = decision;
  if (decision.do === "help" || command.run === undefined) {
    await out.write(renderHelp(command, path, out));
    return 0;
  }
  const { flags, positionals } = decision.given;
  const call: Call<Record<string, Flag>> = {
    // `readArguments` built these values by the very descriptions from which the types follow.
    flags: flags as FlagValues<Record<string, Flag>>,
    positionals,
    json: flags["json"] === true,
    configPath: typeof flags["config"] === "string" ? flags["config"] : undefined,
    env,
    out,
    printJson: (value) => out.write(`${JSON.stringify(value)}\n`),
    log: standardErrorLog(shortName(path), flags["verbose"] === true, env),
    stop: stopSignal(command.endsWithinMs ?? 0),
    version,
  };
  return (await command.run(call)) ?? 0;
}

/** "spreadbox logcat" and a symlink "logcat" are one command, so they speak under one name. */
function shortName(path: readonly string[]): string {
  return path.length > 1 && path[0] === "spreadbox" ? path.slice(1).join(" ") : path.join(" ");
}

function stopSignal(endsWithinMs: number): AbortSignal {
  const stop = new AbortController();
  let firstMs = 0;
  const onSignal = (name: NodeJS.Signals) => {
    if (!stop.signal.aborted) {
      firstMs = performance.now();
      stop.abort(name);
      return;
    }
    if (name === "SIGTERM" && performance.now() - firstMs < endsWithinMs) return; // it ends
    // The second one means it: end as the signal would have ended us.
    process.exit(name === "SIGINT" ? SIGNAL_STATUS.SIGINT : SIGNAL_STATUS.SIGTERM);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return stop.signal;
}

async function reportFailure(
  error: unknown,
  { path, argv, out }: { readonly path: readonly string[]; readonly argv: readonly string[]; readonly out: Output },
): Promise<number> {
  const name = shortName(path);
  const json = argv.includes("--json");
  if (error instanceof UsageFault && error.isCheck) {
    await out.write(
      json
        ? `${JSON.stringify({ error: { ...describe(error), exit: EXIT_UNKNOWN } })}\n`
        : `UNKNOWN: ${error.message}\n`,
    );
    return EXIT_UNKNOWN;
  }
  if (error instanceof Fault) {
    const faults = error.all.length > 0 ? error.all : [error];
    for (const fault of faults) {
      if (json) await out.write(`${JSON.stringify({ error: describe(fault) })}\n`);
      else process.stderr.write(`${name}: ${fault.message}\n`);
    }
    return exitCodeOf(error.kind);
  }
  const message = error instanceof Error ? error.message : String(error);
  const told = `an error in spreadbox itself: ${message.replaceAll("\n", " ")}; --stack-trace shows where, please report it`;
  if (json)
    await out.write(
      `${JSON.stringify({ error: { kind: "software", code: "software", message: told, exit: EXIT_SOFTWARE } })}\n`,
    );
  else process.stderr.write(`${name}: ${told}\n`);
  if (argv.includes("--stack-trace") && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT_SOFTWARE;
}

/** A fault for programs: what every fault has, and the fields of its own kind (file, line, column, path, offset). */
function describe(fault: Fault): Record<string, unknown> {
  const { name: _name, all: _all, cause: _cause, isCheck: _isCheck, ...own } = fault as Fault & { isCheck?: boolean };
  return { ...own, message: fault.message, exit: exitCodeOf(fault.kind) };
}
