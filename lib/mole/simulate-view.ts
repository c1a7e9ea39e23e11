// What would become of the table, as people read it.
import type { Style } from "../cli/style.ts";
import { textTable } from "../cli/text-table.ts";
import type { Simulated } from "./simulate.ts";

export function simulatedView({ vips, hosts, notes }: Simulated, style: Style): string {
  const moved = vips.filter(({ before, after }) => before !== after);
  const lines = [
    ...notes.map((note) => style.warning(`! ${note}`)),
    `${moved.length} of ${vips.length} vips would move`,
    "",
    ...textTable(
      [{ title: "VIP" }, { title: "NOW" }, { title: "THEN" }],
      vips.map(({ vip, before, after }) => [vip, before ?? "-", before === after ? "stays" : (after ?? "uncovered")]),
      style.heading,
    ),
    "",
    ...textTable(
      [{ title: "HOST" }, { title: "LOAD", align: "right" }],
      hosts.map(({ host, load, capacity }) => [host, `${load}/${capacity}`]),
      style.heading,
    ),
  ];
  return `${lines.join("\n")}\n`;
}
