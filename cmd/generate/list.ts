/** What there is to generate, one a line. */
export function listOf(all: readonly { readonly name: string; readonly about: string }[]): string {
  const columns = Math.max(...all.map(({ name }) => name.length));
  return all.map(({ name, about }) => `${name.padEnd(columns)}  ${about}\n`).join("");
}
