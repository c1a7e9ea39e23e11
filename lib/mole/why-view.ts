// `mole why` as people read it.
import { roughDuration } from "../base/duration.ts";
import type { Style } from "../cli/style.ts";
import { textTable } from "../cli/text-table.ts";
import type { VipFacts } from "./io/driver.ts";
import type { Why } from "./why.ts";

export function whyView(why: Why, here: VipFacts | undefined, style: Style): string {
  const { vip, addresses, owner, isHeld, kept, isUnknown = false, mayHold, hosts, moves, notes } = why;
  const standing = isUnknown
    ? style.bad("not held here; who holds it is not known")
    : kept !== undefined
      ? style.bad(owner === undefined ? `held by nobody: ${kept}` : `kept for ${owner}: ${kept}`)
      : owner === undefined
        ? style.bad("uncovered: no host may hold it")
        : isHeld
          ? style.good(`held by ${owner}`)
          : style.warning(`given to ${owner}, who has not taken it yet`);
  const lines = [`${style.name(vip)} (${addresses.join(" ")}): ${standing}`];
  for (const note of notes) lines.push(style.warning(`! ${note}`));
  for (const { host, waitMs, why: reason } of mayHold) {
    const until =
      waitMs === undefined
        ? ""
        : waitMs === 0
          ? "; the wait for it is over"
          : `; waits ${(waitMs / 1_000).toFixed(1)}s more`;
    lines.push(style.warning(`! ${host} may hold it: ${reason}${until}`));
  }
  lines.push("", style.heading("Hosts"));
  lines.push(...rows(hosts.map(({ host, could, why: reason }) => [could ? "+" : "-", host, reason])));
  lines.push("", style.heading("On this host"), ...kernelLines(here));
  lines.push("", style.heading("Lately"));
  if (moves.length === 0) lines.push("  nothing has changed since this mole has had the table");
  lines.push(
    ...rows(
      moves
        .toReversed()
        .map(({ agoMs, what, host, why: reason }) => [
          `${roughDuration(agoMs)} ago`,
          what === "nobody's" ? what : `${what} ${host}`,
          reason,
        ]),
    ),
  );
  return `${lines.join("\n")}\n`;
}

function kernelLines(here: VipFacts | undefined): readonly string[] {
  if (here === undefined) return ["  not defined here"];
  const addresses = rows(
    here.addresses.map((one) => [
      `${one.address}/${one.prefixBits}`,
      one.device === undefined
        ? "no device here has its subnet"
        : `${one.device}, ${one.hasCarrier ? "which has carrier" : "which has no carrier"}`,
      one.isPresent
        ? `put on ${one.isOurs ? "by this mole" : "by somebody else"}${one.leaseLeftMs === undefined ? ", without a lease" : `, lease ${(one.leaseLeftMs / 1_000).toFixed(1)}s`}`
        : "not put on here",
      one.foreign === undefined ? "" : `last claimed on the wire by ${one.foreign.mac}`,
    ]),
  );
  const { takenAway, failure } = here;
  const failed = failure === undefined ? [] : [`  could not be taken or kept when last tried: ${failure.why}`];
  const times = takenAway === 1 ? "once" : `${takenAway} times`;
  return takenAway === 0
    ? [...addresses, ...failed]
    : [
        ...addresses,
        ...failed,
        `  taken away ${times} by somebody on this host since this mole runs: an operator, or networkd`,
      ];
}

function rows(cells: readonly (readonly string[])[]): readonly string[] {
  const columns = (cells[0] ?? []).map(() => ({ title: "" }));
  return textTable(columns, cells)
    .slice(1)
    .map((line) => `  ${line}`);
}
