// Columns for people: as wide as their widest cell, numbers to the right. The terminal's width is not looked at: a wrapped row is worse than a long one.

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Lines of a table, its titles first; `paintTitle` gets each title padded. */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paintTitle: (text: string) => string = (text) => text,
): readonly string[] {
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const pad = (text: string, at: number) =>
    columns[at]!.align === "right" ? text.padStart(widths[at]!) : text.padEnd(widths[at]!);
  const line = (cells: readonly string[], paint: (text: string) => string) =>
    columns
      .map((_, at) =>
        paint(
          at === columns.length - 1 && columns[at]!.align !== "right" ? (cells[at] ?? "") : pad(cells[at] ?? "", at),
        ),
      )
      .join("  ")
      .trimEnd();
  return [
    line(
      columns.map(({ title }) => title),
      paintTitle,
    ),
    ...rows.map((row) => line(row, (text) => text)),
  ];
}
