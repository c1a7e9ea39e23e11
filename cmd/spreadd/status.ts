import { formatDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { askOnce } from "../../lib/control/io/client.ts";
import type { SpreaddStatus } from "../../lib/spreadd/io/control.ts";
import { controlPath, spreaddTable } from "../../lib/spreadd/table.ts";
import { configurationFor } from "../configuration.ts";

export const statusCommand = defineCommand({
  name: "status",
  summary: "shows the spreadd that runs: its ring, its sessions, its groups and counts",
  examples: [
    { line: "spreadd status", about: "of this host's" },
    { line: "spreadd status --json | jq '.groups[].name'", about: "for a program: the groups" },
    { line: "spreadbox cluster status", about: "with the other hosts and the links to them" },
  ],
  flags: {
    control: {
      type: "value",
      hint: "PATH",
      about: "the control socket of the spreadd that is meant; unless given, that of the configuration",
    },
  },
  json: true,
  async run(call) {
    const status = await spreaddStatus(call.flags.control ?? configuredPath(call), call.stop);
    if (call.json) await call.printJson(status);
    else await call.out.write(`${linesOf(status).join("\n")}\n`);
    return 0;
  },
});

/** @throws {Fault} nobody answers there */
export async function spreaddStatus(path: string, stop?: AbortSignal): Promise<SpreaddStatus> {
  if (path === "")
    throw new Fault("usage", "no-control", 'the configuration says control = "": spreadd takes no commands');
  // The daemon is of this very version, or its neighbour: it has these fields.
  return (await askOnce("spreadd", path, { ask: "status", with: {} }, stop && { stop })) as SpreaddStatus;
}

/** Where the configuration says that this host's spreadd is asked. */
export function configuredPath(call: {
  readonly configPath: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}) {
  return controlPath(configurationFor(call, [spreaddTable]).table(spreaddTable));
}

function linesOf(status: SpreaddStatus): readonly string[] {
  const { ring, counters } = status;
  return [
    `${status.name} (${status.version}) runs as process ${status.pid} for ${formatDuration(Math.round(status.upMs / 1_000) * 1_000)}`,
    `listens on ${status.listensOn.join(", ")}`,
    ring === undefined
      ? "no ring yet"
      : `engine ${status.engine}, ring of ${ring.hosts.join(", ")}${ring.isOutside ? ": outside, it waits to be let in again" : ""}`,
    `${counted(status.sessionCount, "session")}, ${counted(status.groupCount, "group")}`,
    ...status.groups.map(({ name, memberCount, byDaemon }) => `  ${name}: ${memberCount} (${spoken(byDaemon)})`),
    ...(status.groupCount > status.groups.length ? [`  and ${status.groupCount - status.groups.length} more`] : []),
    Object.entries(counters)
      .map(([name, count]) => `${name} ${count}`)
      .join(", "),
  ];
}

const spoken = (byDaemon: Readonly<Record<string, number>>) =>
  Object.entries(byDaemon)
    .map(([daemon, count]) => `${daemon} ${count}`)
    .join(", ");

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
