// The status as people read it: what is wrong first, then who is here, then who has what.
import { formatDuration } from "../base/duration.ts";
import type { Style } from "../cli/style.ts";
import { textTable } from "../cli/text-table.ts";
import type { HostStatus, Status, VipStatus } from "./status.ts";

export function statusView(status: Status, style: Style): string {
  const { host, text, mode, view, viewForMs, warnings, hosts, vips } = status;
  const since = view === undefined || viewForMs === undefined ? "" : `; the view has stood for ${roughly(viewForMs)}`;
  const paint = status.is === "settled" && status.covers ? style.good : style.bad;
  const lines = [`${style.name(host)}: ${paint(text)}${since}; mode ${mode}`];
  for (const warning of warnings) lines.push(style.warning(`! ${warning}`));
  lines.push(
    "",
    ...textTable(
      [
        { title: "HOST" },
        { title: "STATE" },
        { title: "HEARD", align: "right" },
        { title: "VIPS", align: "right" },
        { title: "LOAD", align: "right" },
        { title: "REMARKS" },
      ],
      hosts.map(hostRow),
      style.heading,
    ).map((line, at) => paintRow(line, hosts[at - 1], style)),
    "",
  );
  if (vips.length === 0) lines.push("no vip is defined: [[mole.vip]] in the configuration defines one");
  else
    lines.push(
      ...textTable(
        [
          { title: "VIP" },
          { title: "ADDRESSES" },
          { title: "HOST" },
          { title: "STATE" },
          { title: "FOR", align: "right" },
          { title: "REMARKS" },
        ],
        vips.map(vipRow),
        style.heading,
      ).map((line, at) => (vips[at - 1] === undefined || vips[at - 1]!.is === "held" ? line : style.warning(line))),
    );
  return `${lines.join("\n")}\n`;
}

function hostRow(host: HostStatus): string[] {
  const { is, isThis, heardAgoMs, forMs, why, unfit, refusing } = host;
  const isGone = is === "away" || is === "never seen" || is === "expelled";
  const remarks = [
    ...(isThis ? ["this host"] : []),
    ...(host.drained ? ["drained"] : []),
    ...(host.stopping ? ["stopping"] : []),
    ...(is === "here" && !host.ready && !host.drained ? ["held down"] : []),
    ...(isGone && !isThis ? ["nobody hears from it"] : []),
    ...(isGone && forMs !== undefined ? [`for ${roughly(forMs)}`] : []),
    ...(why === "" ? [] : [why]),
    ...Object.entries(unfit).map(
      ([vip, reason]) => `no ${reason === "health" ? "health" : "carrier, or no device,"} for ${vip}`,
    ),
    ...(refusing.length > 0 ? [`could not take ${refusing.join(", ")}`] : []),
  ];
  const heard = heardAgoMs === undefined ? "never" : isThis && is === "here" ? "-" : `${ago(heardAgoMs)} ago`;
  const load = isGone || is === "coming" ? "-" : `${host.load}/${host.capacity}`;
  return [host.host, is, heard, isGone ? "-" : String(host.vips), load, remarks.join("; ")];
}

function vipRow(vip: VipStatus): string[] {
  const { is, owner, mayHold, waitMs, forMs, addresses } = vip;
  const [first = "", ...more] = addresses;
  const others = mayHold.filter((name) => name !== owner);
  const remarks = [
    ...(others.length > 0 ? [`${others.join(", ")} may still hold it`] : []),
    ...(waitMs > 0 ? [`waits ${ago(waitMs)}`] : []),
    ...(vip.why !== "" && (vip.is === "moving" || vip.is === "kept") && others.length === 0 ? [vip.why] : []),
    ...(vip.pinned ? ["put there by an operator"] : []),
    ...(vip.isHeldHere && is !== "held" ? ["held here"] : []),
  ];
  const shown = more.length === 0 ? first : `${first} +${more.length}`;
  return [vip.vip, shown, owner ?? "-", is, forMs === undefined ? "-" : roughly(forMs), remarks.join("; ")];
}

function paintRow(line: string, host: HostStatus | undefined, style: Style): string {
  if (host === undefined || host.is === "here") return line;
  return host.is === "coming" ? style.warning(line) : style.bad(line);
}

/** "0.3s", "12s", "3m5s". */
function ago(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)}s` : roughly(ms);
}

/** In whole seconds; from an hour on in whole minutes. */
export function roughly(ms: number): string {
  const unit = ms < 3_600_000 ? 1_000 : 60_000;
  return ms < 1_000 ? "0s" : formatDuration(Math.floor(ms / unit) * unit);
}
