// What an operator asks of a service that runs, over its control socket: status, stats, reload, reopen. The same words for every service.
import type { Sample } from "../lib/base/counters.ts";
import { formatDuration } from "../lib/base/duration.ts";
import { Fault } from "../lib/base/fault.ts";
import type { TableSpec } from "../lib/base/table.ts";
import type { Call } from "../lib/cli/call.ts";
import { type AnyCommand, defineCommand, type Flag } from "../lib/cli/command.ts";
import type { Config } from "../lib/config/config.ts";
import { ask, PATIENCE_MS } from "../lib/control/io/client.ts";
import type { CommonStatus } from "../lib/control/io/operation.ts";
import { configurationFor } from "./configuration.ts";

/** A service that takes commands. */
export interface CommandedService<Status extends CommonStatus> {
  /** As it calls itself in messages: "syslogd". */
  readonly name: string;
  /** How its command is typed: "syslogd", "logcat record". */
  readonly typed: string;
  /** Where its control socket is unless somebody says otherwise. */
  readonly usualPath: string;
  /** The tables that `configuredPath` reads. */
  readonly uses: readonly TableSpec[];
  /** Where the configuration says that it is; "": it takes no commands. */
  readonly configuredPath: (config: Config) => string;
  /** What `status` shows besides the process and its counts, a line each. */
  readonly statusLines: (status: Status) => readonly string[];
  readonly statusAbout: string;
  /** An example of what `stats` is good for. */
  readonly telling: { readonly line: string; readonly about: string };
  /** What a reload changes, beyond what holds for all. */
  readonly reloadAbout: string;
  /** Whether it can become another process, with its sockets. */
  readonly restarts?: boolean;
}

/** A configuration with certificates and many sinks takes its time, and so does the next program. */
const WORK_MS = 60_000;

/** The flag by which another of these services is meant. */
export type ControlFlag = { readonly control: Flag & { readonly type: "value" } };

export function controlFlag({ name, usualPath }: AskedService): ControlFlag {
  return {
    control: {
      type: "value",
      hint: "PATH",
      about: `the control socket of the ${name} that is meant; unless given, the one of the configuration, else ${usualPath}`,
    },
  };
}

/** The commands below that of a service. */
export function controlCommands<Status extends CommonStatus>(service: CommandedService<Status>): readonly AnyCommand[] {
  const { name, typed } = service;
  const flags = controlFlag(service);
  const other = `--control /tmp/${name}.ctl`;

  const status = defineCommand({
    name: "status",
    summary: `shows what the ${name} that runs ${service.statusAbout}, and its counts`,
    examples: [
      { line: `${typed} status`, about: "of this host's" },
      { line: `${typed} status ${other}`, about: "of another" },
      { line: `${typed} status --json`, about: "for a program" },
    ],
    flags,
    json: true,
    async run(call) {
      // The service is of this very version, or its neighbour: it has these fields.
      const found = (await askService(service, "status", call)) as Status;
      if (call.json) await call.printJson(found);
      else
        await call.out.write(
          [
            `runs as process ${found.pid} for ${formatDuration(Math.round(found.upMs / 1_000) * 1_000)}`,
            ...service.statusLines(found),
            ...found.totals,
            "",
          ].join("\n"),
        );
      return 0;
    },
  });

  const stats = defineCommand({
    name: "stats",
    summary: `shows what the ${name} that runs has counted`,
    examples: [
      { line: `${typed} stats`, about: "one count a line" },
      { line: `${typed} stats --json`, about: "the same as JSON, with what each means" },
      service.telling,
    ],
    flags,
    json: true,
    async run(call) {
      const samples = (await askService(service, "stats", call)) as readonly Sample[];
      for (const sample of samples) {
        const labels = Object.values(sample.labels).map((label) => ` ${label}`);
        if (call.json) await call.printJson(sample);
        else await call.out.write(`${sample.name}${labels.join("")} ${sample.value}\n`);
      }
      return 0;
    },
  });

  /** A command whose answer is a line. */
  const telling = (word: "reload" | "reopen" | "restart", words: Pick<AnyCommand, "summary" | "about">) =>
    defineCommand({
      name: word,
      ...words,
      examples: [
        { line: `${typed} ${word}`, about: "this host's" },
        { line: `${typed} ${word} ${other}`, about: "another" },
        { line: `${typed} ${word} --json`, about: "for a program" },
      ],
      flags,
      json: true,
      async run(call) {
        const answer = String(await askService(service, word, call, {}, WORK_MS));
        if (call.json) await call.printJson({ answer });
        else await call.out.write(`${answer}\n`);
        return 0;
      },
    });

  const reload = telling("reload", {
    summary: `has the ${name} that runs read its configuration anew; a bad one is refused`,
    about:
      "Tells what changed, in a line. Where the configuration has mistakes each is told, nothing changes, and the exit status says so. " +
      `${service.reloadAbout}; what is only read at the start is named.`,
  });
  const reopen = telling("reopen", {
    summary: `has the ${name} that runs open its files anew, as for logrotate`,
  });
  const restart = telling("restart", {
    summary: `has the ${name} that runs become the program that is installed now, sockets and all`,
    about:
      "First the new program has to like the configuration, and all that it names has to be there, as for a reload; where not, each mistake is told and nothing changes. Then the process becomes it: the same " +
      "number, sockets and connections (but those by TLS, which come again), and what is sent meanwhile waits in the kernel. Sockets of systemd's go on as well. What sinks have in memory only is handed over; the answer " +
      "tells how many records that are, and what could not be and is lost. Where no program lies at the path at which it was installed, that is refused.",
  });
  return [status, stats, reload, reopen, ...(service.restarts === true ? [restart] : [])];
}

/** Where a service is asked. */
export type AskedService = Pick<CommandedService<CommonStatus>, "name" | "usualPath" | "uses" | "configuredPath">;

/** What is needed of a call to ask a service. */
export type Asking = Pick<Call<ControlFlag>, "flags" | "configPath" | "env" | "stop">;

/**
 * Asks a service one thing.
 * @param given      the request's arguments
 * @param patienceMs how long it may take to begin its answer
 * @throws {Fault} kind "unavailable" where no service answers; else what it told, with every line of it
 * @throws the signal's name where one came first
 */
export async function askService(
  service: AskedService,
  word: string,
  call: Asking,
  given: Readonly<Record<string, unknown>> = {},
  patienceMs = PATIENCE_MS,
): Promise<unknown> {
  const { path, mistake } =
    call.flags.control === undefined ? configuredPath(service, call) : { path: call.flags.control };
  if (path === "")
    throw new Fault("usage", "no-control", `the configuration says control = "": ${service.name} takes no commands`);
  const told: Fault[] = [];
  try {
    const { stop } = call;
    const answers = ask(service.name, path, { ask: word, with: given }, { stop, patienceMs });
    let step = await answers.next();
    for (; !step.done; step = await answers.next()) told.push(new Fault("config", "refused", String(step.value)));
    stop.throwIfAborted();
    return step.value;
  } catch (error) {
    if (mistake !== undefined && error instanceof Fault && error.kind === "unavailable") throw mistake;
    if (!(error instanceof Fault) || told.length === 0) throw error;
    throw new Fault(error.kind, error.code, error.message, { cause: error, all: told });
  }
}

interface Configured {
  readonly path: string;
  readonly mistake?: Fault;
}

/** A configuration that is wrong now is no reason not to reach the service that runs by an older one, if that is where most are. */
function configuredPath(
  { configuredPath, usualPath, uses }: AskedService,
  call: Pick<Call<ControlFlag>, "configPath" | "env">,
): Configured {
  try {
    return { path: configuredPath(configurationFor(call, uses)) };
  } catch (error) {
    if (error instanceof Fault && error.kind === "config") return { path: usualPath, mistake: error };
    throw error;
  }
}
