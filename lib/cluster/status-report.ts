// `cluster status`: one host's view of all, as a table for people.
import { formatDuration } from "../base/duration.ts";
import type { Style } from "../cli/style.ts";
import type { Census } from "../spreadd/census.ts";
import { daemonOfNode } from "./daemon-of-node.ts";
import { detectionMs } from "./profile.ts";
import type { LinkFacts, RingFacts } from "./ring-facts.ts";

/** What could be learnt: each half may be missing, with the reason. */
export interface ClusterStatus {
  readonly ring: RingFacts | undefined;
  readonly spreadd: (Census & { readonly name: string; readonly version: string; readonly engine: string }) | undefined;
  /** Why a half is missing. */
  readonly faults: readonly string[];
}

/** What an operator should look at; none: all is well. */
export function concernsOf({ ring, spreadd, faults }: ClusterStatus): readonly string[] {
  const concerns = [...faults];
  for (const { name, isMember, links, isOwn } of ring?.nodes ?? []) {
    if (!isMember) concerns.push(`${name} is not in the ring`);
    for (const { link, isUp } of isOwn ? [] : links) if (!isUp) concerns.push(`link ${link} to ${name} is down`);
  }
  if (spreadd === undefined) return concerns;
  if (spreadd.engine !== "corosync") concerns.push(`spreadd serves this host alone: engine is "${spreadd.engine}"`);
  else if (spreadd.ring === undefined) concerns.push("spreadd has no ring yet");
  else if (spreadd.ring.isOutside) concerns.push("spreadd is outside: it waits to be let in again");
  if (spreadd.engine === "corosync" && ring !== undefined)
    for (const { id, name, isMember } of ring.nodes)
      if (isMember && daemonOfNode(spreadd.ring, id) === undefined)
        concerns.push(`no spreadd of ${name} is in the ring, though its corosync is`);
  return concerns;
}

export function statusLines(status: ClusterStatus, style: Style): readonly string[] {
  const { ring, spreadd } = status;
  const lines: string[] = [];
  if (ring !== undefined) {
    const { tokenMs, consensusMs, transport, cipher } = ring;
    lines.push(
      `${style.heading("ring")}  token ${formatDuration(tokenMs)} + consensus ${formatDuration(consensusMs)}: a dead host is noticed within ${formatDuration(detectionMs({ tokenMs, consensusMs }))}; ${transport}, ${cipher === "none" ? "not encrypted" : cipher}`,
      ...hostLines(status, style),
    );
  }
  if (spreadd !== undefined) {
    const { name, version, engine, sessionCount, groupCount, groups } = spreadd;
    if (lines.length > 0) lines.push("");
    lines.push(
      `${style.heading("spreadd")}  ${name} (${version}), engine ${engine}: ${counted(sessionCount, "session")} of this host, ${counted(groupCount, "group")} of all`,
    );
    const width = Math.max(0, ...groups.map((group) => group.name.length));
    for (const { name: group, memberCount, byDaemon } of groups)
      lines.push(
        `  ${style.name(group.padEnd(width))}  ${String(memberCount).padStart(4)}  ${style.faint(
          Object.entries(byDaemon)
            .map(([daemon, count]) => `${daemon} ${count}`)
            .join(", "),
        )}`,
      );
    if (groupCount > groups.length) lines.push(`  and ${groupCount - groups.length} more`);
  }
  const concerns = concernsOf(status);
  if (lines.length > 0) lines.push("");
  lines.push(
    ...(concerns.length === 0 ? [style.good("all is well")] : concerns.map((concern) => style.bad(`! ${concern}`))),
  );
  return lines;
}

/** A row a host: all cells are padded before they are painted. */
function hostLines({ ring, spreadd }: ClusterStatus, style: Style): readonly string[] {
  const sessions = sessionsByDaemon(spreadd);
  const titles = ["host", "address", "corosync", "links", "spreadd", "sessions in groups"];
  const rows = ring!.nodes.map(({ id, name, addresses, isMember, isOwn, links }) => [
    isOwn ? `${name} (here)` : name,
    addresses.join(" "),
    isMember ? "in" : "out",
    isOwn ? "-" : links.map(linkText).join(" ") || "?",
    spreadd === undefined ? "?" : daemonText(name, daemonOfNode(spreadd.ring, id)),
    String(sessions.get(daemonOfNode(spreadd?.ring, id) ?? "") ?? 0),
  ]);
  const widths = titles.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)));
  const padded = (cells: readonly string[]) => cells.map((cell, at) => cell.padEnd(widths[at]!));
  return [
    `  ${style.faint(padded(titles).join("  ").trimEnd())}`,
    ...rows.map(
      (row) =>
        `  ${padded(row)
          .map((cell) => paint(cell, style))
          .join("  ")
          .trimEnd()}`,
    ),
  ];
}

/** Its name too, where that is not the node's. */
function daemonText(node: string, daemon: string | undefined): string {
  if (daemon === undefined) return "out";
  return daemon === node ? "in" : `in, as ${daemon}`;
}

function paint(cell: string, style: Style): string {
  const word = cell.trim();
  if (word === "out" || word.includes("down")) return style.bad(cell);
  return word === "in" || word.startsWith("in,") ? style.good(cell) : cell;
}

function linkText({ isUp, latencyUs, downCount }: LinkFacts): string {
  if (!isUp) return "down";
  const latency = latencyUs === undefined ? "" : ` ${(latencyUs / 1_000).toFixed(2)}ms`;
  return `up${latency}${downCount > 1 ? ` (${downCount - 1}x down)` : ""}`;
}

/** Distinct sessions a daemon, among the members that are told by name. */
function sessionsByDaemon(spreadd: ClusterStatus["spreadd"]): ReadonlyMap<string, number> {
  const members = new Set((spreadd?.groups ?? []).flatMap((group) => group.members));
  const counts = new Map<string, number>();
  for (const member of members) {
    const daemon = member.slice(member.lastIndexOf("#") + 1);
    counts.set(daemon, (counts.get(daemon) ?? 0) + 1);
  }
  return counts;
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
