// What a monitor is told of a status: one line and a level, as Nagios and Icinga understand it.
import { formatDuration } from "../base/duration.ts";
import type { Status, VipStatus } from "./status.ts";

export interface Verdict {
  /** 0 OK, 1 WARNING, 2 CRITICAL. */
  readonly status: 0 | 1 | 2;
  readonly text: string;
  readonly performance: string;
}

const WORDS = ["OK", "WARNING", "CRITICAL"] as const;

/**
 * What nobody covers, or two do, is critical: also where it is only this host that can't tell.
 * @param movingMs for how long a vip may be on its way
 */
export function verdictOf(status: Status, movingMs: number): Verdict {
  const bad: string[] = [];
  const { is, text, vips, hosts } = status;
  const alarms = status.alarms ?? []; // a mole of the version before tells none
  const odd = status.warnings.filter((warning) => !alarms.includes(warning));
  // Under maintenance the group service is away now and then, and this host has what it had: as far as it has.
  const lost = vips.filter((vip) => is === "away" && vip.is === "kept");
  const hasItsOwn = is === "away" && status.maintenance && lost.length === 0;
  if (is === "away" || is === "stopped") (hasItsOwn ? odd : bad).push(text);
  if (lost.length > 0) bad.push(`not on this host any more: ${lost.map(({ vip }) => vip).join(", ")}`);
  if (is === "gathering") (status.viewForMs === undefined || status.viewForMs > movingMs ? bad : odd).push(text);
  bad.push(...alarms);
  if (is === "settled" && hosts.some((host) => host.isThis && host.is !== "here")) bad.push("this host is thrown out");
  if (is === "settled") {
    const uncovered = vips.filter((vip) => vip.is === "uncovered" && !status.cold);
    if (uncovered.length > 0) bad.push(`uncovered: ${uncovered.map(named).join("; ")}`);
    // Under maintenance a host that is here says what it holds; of one that is away nobody can know, but where it was silent before.
    const isMissed = ({ is, owner, isLapsed = false }: VipStatus) =>
      is === "kept" && (isLapsed || hosts.some((host) => host.host === owner && host.is === "here"));
    const unheld = vips.filter(
      (vip) => vip.is === "moving" || (vip.is === "uncovered" && status.cold) || isMissed(vip),
    );
    const late = unheld.filter((vip) => (vip.unheldForMs ?? vip.forMs ?? 0) > movingMs);
    if (late.length > 0)
      bad.push(`held by nobody for more than ${formatDuration(movingMs)}: ${late.map(named).join("; ")}`);
    bad.push(...keptByNobody(status, movingMs));
    const young = unheld.filter((vip) => !late.includes(vip));
    if (young.length > 0) odd.push(`on its way: ${young.map(named).join("; ")}`);
  }
  const level = bad.length > 0 ? 2 : odd.length > 0 ? 1 : 0;
  const here = hosts.filter((host) => host.is === "here").length;
  const held = vips.filter((vip) => vip.is === "held").length;
  const heldHere = vips.filter(({ isHeldHere }) => isHeldHere).length;
  const good = `${here} ${here === 1 ? "host" : "hosts"}, ${held} of ${vips.length} vips held, ${heldHere} here`;
  return {
    status: level,
    text: [...bad, ...odd, ...(bad.length + odd.length === 0 ? [good] : [])].join("; "),
    performance: `hosts=${here} held=${held};;;0;${vips.length} here=${heldHere} warnings=${status.warnings.length}`,
  };
}

/** Of a host that nobody hears, when the maintenance that it went away in is over: it may be lost, and nobody takes them. */
function keptByNobody({ vips, hosts, maintenance }: Status, movingMs: number): readonly string[] {
  if (maintenance) return [];
  const late = vips.filter(
    ({ is, owner, unheldForMs, forMs }) =>
      is === "kept" &&
      !hosts.some((host) => host.host === owner && host.is === "here") &&
      (unheldForMs ?? forMs ?? 0) > movingMs,
  );
  return [...Map.groupBy(late, ({ owner }) => owner ?? "?")].map(
    ([owner, those]) =>
      `kept for more than ${formatDuration(movingMs)} for ${owner}, which nobody hears: ${those.map(({ vip }) => vip).join(", ")}; where it is off, mole forget ${owner} --force or mole maintenance off --force gives them up`,
  );
}

function named({ vip, why }: VipStatus): string {
  return why === undefined || why === "" ? vip : `${vip} (${why})`;
}

export function verdictLine({ status, text, performance }: Verdict): string {
  // The bar divides text and figures.
  return `${WORDS[status]}: ${text.replaceAll("|", "/")} | ${performance}`;
}
