// Which form a sink's records have: one of the known ones by its name, or a template of the operator's own.
import type { Format } from "./format.ts";
import { Rfc3164Format, TraditionalFormat } from "./format-3164.ts";
import { Rfc5424Format } from "./format-5424.ts";
import { JsonFormat } from "./format-json.ts";
import { type Template, TemplateFormat } from "./template.ts";
import type { ZoneOffset } from "./zone.ts";

/** traditional: the line of a classic log file. */
export const FORMAT_NAMES = ["traditional", "rfc3164", "rfc5424", "json"] as const;

export type FormatChoice =
  | { readonly by: (typeof FORMAT_NAMES)[number] }
  | { readonly by: "template"; readonly template: Template };

/** A format of its own for one sink. @param zone of times, where the form has them in local time */
export function openFormat(choice: FormatChoice, zone: ZoneOffset): Format {
  switch (choice.by) {
    case "traditional":
      return new TraditionalFormat(zone);
    case "rfc3164":
      return new Rfc3164Format(zone);
    case "rfc5424":
      return new Rfc5424Format();
    case "json":
      return new JsonFormat(zone);
    case "template":
      return new TemplateFormat(choice.template, zone);
    default:
      return choice satisfies never;
  }
}

/** The same text for the same form. */
export function describeFormat(choice: FormatChoice): string {
  return choice.by === "template" ? `template ${JSON.stringify(choice.template.text)}` : choice.by;
}
