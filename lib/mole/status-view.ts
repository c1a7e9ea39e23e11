// The status as people read it: what is wrong first, then who is here, then who has what.
import { briefDuration, roughDuration } from "../base/duration.ts";
import type { Style } from "../cli/style.ts";
import { textTable } from "../cli/text-table.ts";
import { atLeast, type HostStatus, type Status, type VipStatus } from "./status.ts";

export function statusView(status: Status, style: Style): string {
  const { host, text, mode, view, viewForMs, warnings, hosts, vips } = status;
  const since =
    view === undefined || viewForMs === undefined ? "" : `; the view has stood for ${roughDuration(viewForMs)}`;
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
    ...(host.drained ? [drainedText(host)] : []),
    ...(host.stopping ? ["stopping"] : []),
    ...(is === "here" && !host.ready && !host.drained ? [heldDownText(host)] : []),
    ...(isGone && !isThis ? ["nobody hears from it"] : []),
    ...(isGone && forMs !== undefined ? [`for ${roughDuration(forMs)}`] : []),
    ...(why === "" ? [] : [why]),
    ...[...Map.groupBy(Object.keys(unfit), (vip) => unfit[vip])].map(([reason, vips]) =>
      reason === "health"
        ? `no health for ${vips.join(", ")}`
        : `can't hold ${vips.join(", ")} now: no carrier, no device, or another answers`,
    ),
    ...(refusing.length > 0 ? [`could not take ${refusing.join(", ")}`] : []),
  ];
  const heard = heardAgoMs === undefined ? "never" : isThis && is === "here" ? "-" : `${briefDuration(heardAgoMs)} ago`;
  const load = isGone || is === "coming" ? "-" : `${host.load}/${host.capacity}`;
  return [host.host, is, heard, isGone ? "-" : String(host.vips), load, remarks.join("; ")];
}

/** Each host knows its own. */
function heldDownText({ isThis, heldDownMs }: HostStatus): string {
  return isThis && heldDownMs !== undefined && Number.isFinite(heldDownMs)
    ? `held down for ${roughDuration(heldDownMs)} more`
    : "held down: its own status tells for how long";
}

function drainedText({ drainedForMs, isDrainedLonger }: HostStatus): string {
  return drainedForMs === undefined ? "drained" : `drained for ${atLeast(drainedForMs, isDrainedLonger)}`;
}

function vipRow(vip: VipStatus): string[] {
  const { is, owner, mayHold, waitMs, addresses, unheldForMs } = vip;
  // However often it has been given to another meanwhile.
  const forMs = is === "held" ? vip.forMs : (unheldForMs ?? vip.forMs);
  const [first = "", ...more] = addresses;
  const others = mayHold.filter((name) => name !== owner);
  const remarks = [
    ...(others.length > 0 ? [`${others.join(", ")} may still hold it`] : []),
    ...(waitMs > 0 ? [`waits ${briefDuration(waitMs)}`] : []),
    ...(vip.why !== "" && (vip.is === "moving" || vip.is === "kept") && others.length === 0 ? [vip.why] : []),
    ...(vip.pinned ? ["put there by an operator"] : []),
    ...(vip.isHeldHere && is !== "held" ? ["held here"] : []),
  ];
  const shown = more.length === 0 ? first : `${first} +${more.length}`;
  return [
    vip.vip,
    shown,
    owner ?? "-",
    is,
    forMs === undefined ? "-" : atLeast(forMs, vip.isForLonger),
    remarks.join("; "),
  ];
}

function paintRow(line: string, host: HostStatus | undefined, style: Style): string {
  if (host === undefined || host.is === "here") return line;
  return host.is === "coming" ? style.warning(line) : style.bad(line);
}
