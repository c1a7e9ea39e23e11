// Text from a config file on its way to a terminal: nothing in it may drive the terminal, or look like something else than it is.

/** Puts text in quotes, as TOML would read it back; what a terminal would act upon (controls, also of C1; reordering of text) is escaped. */
export function quoteText(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udfff](?![\udc00-\udfff])/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What was found, for a message: a short value as TOML would have it, a long one cut. */
export function showValue(value: unknown): string {
  if (typeof value === "string") return value.length > 60 ? `${quoteText(value.slice(0, 57))}...` : quoteText(value);
  if (Array.isArray(value)) return showArray(value);
  if (typeof value === "object" && value !== null)
    return Object.keys(value).length === 0 ? "an empty table" : "a table";
  return String(value);
}

function showArray(values: readonly unknown[]): string {
  if (values.length === 0) return "an empty array";
  if (values.some((value) => typeof value === "object")) return `an array of ${values.length}`;
  const text = `[${values.slice(0, 20).map(showValue).join(", ")}]`;
  return text.length > 60 || values.length > 20 ? `an array of ${values.length}` : text;
}
