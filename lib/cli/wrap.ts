/** Breaks a paragraph into lines of at most `columns` characters, each behind `indent`. A word longer than a line stays whole. */
export function wrap(paragraph: string, columns: number, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.trim().split(/\s+/)) {
    if (line !== "" && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(indent + line);
  return lines.join("\n");
}
