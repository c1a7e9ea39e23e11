// One option of a spread.conf: its name, "=", its value (PROTOCOL.md 12.3).
import { type Cursor, describe } from "./spread-conf-cursor.ts";
import { meant, type Notes, shown } from "./spread-conf-notes.ts";
import { DEBUG_FLAGS, LEVELS, OPTIONS, type OptionRule } from "./spread-conf-options.ts";
import type { Token } from "./spread-conf-tokens.ts";

export type SettingValue = string | number | boolean | readonly string[];

/** An option as the file sets it. */
export interface Setting {
  readonly at: number;
  readonly value: SettingValue;
}

const encoder = new TextEncoder();

/** Reads the option that the cursor stands on. @returns `undefined` where it was a mistake, which is then noted */
export function readOption(cursor: Cursor, notes: Notes): { name: string; setting: Setting } | undefined {
  const name = cursor.next();
  const rule = OPTIONS.get(name.text)!;
  const value = readValue(rule, name, cursor, notes);
  if (value === undefined) {
    cursor.skipToTopLevel();
    return undefined;
  }
  return { name: rule.name, setting: { at: name.at, value } };
}

function readValue(rule: OptionRule, name: Token, cursor: Cursor, notes: Notes): SettingValue | undefined {
  if (rule.form === "nothing") return true;
  if (rule.form === "text or nothing" && cursor.peek().kind !== "=") return "";
  const equals = cursor.peek();
  if (equals.kind !== "=") {
    noteMissingEquals(rule.name, name, equals, notes);
    return undefined;
  }
  cursor.next();
  return rule.form === "flags" ? readFlags(cursor, notes) : readSingle(rule, cursor, notes);
}

function noteMissingEquals(name: string, token: Token, found: Token, notes: Notes): void {
  if (found.kind === "word" && found.value.startsWith("="))
    notes.error(
      found.at,
      "glued-equals",
      `${shown(found.text)} is one word here: put blanks around "=", as in "${name} = ${found.value.slice(1)}"`,
    );
  else
    notes.error(
      token.at,
      "no-equals",
      `option ${name} has no value: found ${describe(found)}, expected "=" with blanks around it`,
    );
}

function readSingle(rule: OptionRule, cursor: Cursor, notes: Notes): SettingValue | undefined {
  const token = cursor.peek();
  const value = settingOf(rule, token);
  if (value !== undefined) {
    cursor.next();
    return checkBounds(rule, token, value, notes) ? value : undefined;
  }
  notes.error(token.at, "value", `option ${rule.name}: found ${describe(token)}, expected ${expected(rule, token)}`);
  return undefined;
}

function settingOf(rule: OptionRule, token: Token): SettingValue | undefined {
  switch (rule.form) {
    case "bool":
      return token.kind === "bool" ? token.value : undefined;
    case "on-off-auto":
      return token.kind === "on-off-auto" ? token.value : undefined;
    case "number":
      return token.kind === "number" ? token.value : undefined;
    case "level":
      return token.kind === "level" ? token.text : undefined;
    default:
      return token.kind === "word" || token.kind === "quoted" ? token.value : undefined;
  }
}

function expected(rule: OptionRule, found: Token): string {
  switch (rule.form) {
    case "bool":
      return '"true", "yes", "false" or "no"';
    case "on-off-auto":
      return '"on", "off" or "auto"';
    case "number":
      return "a whole number of at most 9 digits, without a unit";
    case "level": {
      const near = meant(found.text, LEVELS);
      return `one of ${[...LEVELS].join(", ")}${near === undefined ? "" : `; did you mean ${near}?`}`;
    }
    default:
      // a number, an address and a reserved word are texts only in quotes
      return isPlain(found) ? `a text: put it in quotes, as in ${rule.name} = "${found.text}"` : "a text";
  }
}

function isPlain(token: Token): boolean {
  return (
    token.kind !== "{" && token.kind !== "}" && token.kind !== "end" && token.kind !== "=" && token.kind !== "segment"
  );
}

function checkBounds(rule: OptionRule, token: Token, value: SettingValue, notes: Notes): boolean {
  if (rule.least !== undefined && Number(value) < rule.least) {
    notes.error(token.at, "value", `option ${rule.name}: found ${value}, expected at least ${rule.least}`);
    return false;
  }
  if (rule.mostBytes !== undefined && encoder.encode(String(value)).length > rule.mostBytes) {
    notes.error(token.at, "value", `option ${rule.name}: the text is longer than ${rule.mostBytes} bytes`);
    return false;
  }
  if (rule.mostBytes !== undefined && value === "")
    notes.warn(token.at, "empty", `option ${rule.name} is empty: the daemon ignores it`);
  return true;
}

/** `{ WORD !WORD ... }`. */
function readFlags(cursor: Cursor, notes: Notes): readonly string[] | undefined {
  const brace = cursor.peek();
  if (brace.kind !== "{") {
    notes.error(
      brace.at,
      "value",
      `option DebugFlags: found ${describe(brace)}, expected "{", then words such as PRINT EXIT, then "}"`,
    );
    return undefined;
  }
  cursor.next();
  const flags: string[] = [];
  for (;;) {
    if (cursor.take("}")) return flags;
    const not = cursor.take("!") !== undefined;
    const word = cursor.take("flag");
    if (word === undefined) return noteNoFlag(cursor, notes);
    flags.push(not ? `!${word.text}` : word.text);
  }
}

function noteNoFlag(cursor: Cursor, notes: Notes): undefined {
  const found = cursor.peek();
  const near = meant(found.text, DEBUG_FLAGS);
  notes.error(
    found.at,
    "unknown-flag",
    `option DebugFlags: found ${describe(found)}, expected one of ${[...DEBUG_FLAGS].join(" ")}, or "}"${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
  while (!cursor.atTopLevel()) if (cursor.next().kind === "}") return;
}
