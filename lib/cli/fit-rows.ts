// Text for a terminal of so many rows: what does not fit is left out at its end, for what is most worth reading stands first.

/** What paints takes no room. */
const PAINT = /\x1b\[[0-9;]*m/g;

/**
 * The first lines of a text, as many as fit with the cursor below them, and how many more there are.
 * @param rows    of the terminal; `undefined`: not known, and all of it is given
 * @param columns of the terminal: a longer line takes several rows
 */
export function fitRows(text: string, rows: number | undefined, columns: number): string {
  const lines = text.replace(/\n$/, "").split("\n");
  const rowsOf = (line: string) => Math.max(1, Math.ceil(line.replace(PAINT, "").length / Math.max(1, columns)));
  if (rows === undefined || lines.reduce((sum, line) => sum + rowsOf(line), 0) < rows) return text;
  let left = rows - 2; // for the last line, and the cursor
  const kept: string[] = [];
  for (const line of lines) {
    left -= rowsOf(line);
    if (left < 0) break;
    kept.push(line);
  }
  return `${[...kept, `... ${lines.length - kept.length} more lines: this terminal has ${rows}`].join("\n")}\n`;
}
