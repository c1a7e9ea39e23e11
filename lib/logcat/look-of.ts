import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { TraditionalFormat } from "../syslog/format-3164.ts";
import { Rfc5424Format } from "../syslog/format-5424.ts";
import type { ZoneOffset } from "../syslog/zone.ts";
import { ClockFace, type TimeLook } from "./clock-face.ts";
import { FormatLook, parseLogcatTemplate, RawLook } from "./format-look.ts";
import { Highlighter } from "./highlight.ts";
import { JsonLook } from "./json-look.ts";
import type { Look } from "./look.ts";
import { FullLook, ShortLook } from "./text-look.ts";

/** The looks that have a name; anything with a percent sign is a template. */
export const FORMAT_NAMES = ["short", "full", "json", "raw", "rfc5424", "traditional"] as const;

export const FORMAT_FORM =
  'one of short, full, json, raw, rfc5424, traditional, or a template such as "%timereported% %host% %msg%"';

export interface LookOptions {
  /** A name of FORMAT_NAMES, or a template. */
  readonly format: string;
  readonly time: TimeLook;
  readonly zone: ZoneOffset;
  /** When logcat was started: microseconds since 1970. */
  readonly startUs: number;
  readonly forTerminal: boolean;
  /** What is marked in messages, where there are colours. */
  readonly highlight: readonly RegExp[];
}

/**
 * The look that `options` ask for.
 * @throws {Fault} kind "usage", code "format"; {TemplateError}
 */
export function lookOf(options: LookOptions): Look {
  const { format, zone, forTerminal } = options;
  const text = {
    face: new ClockFace(options.time, zone, options.startUs),
    aligned: forTerminal,
    highlighter: new Highlighter(options.highlight),
  };
  switch (format) {
    case "short":
      return new ShortLook(text);
    case "full":
      return new FullLook(text);
    case "json":
      return new JsonLook(zone, forTerminal);
    case "raw":
      return new RawLook(forTerminal);
    case "rfc5424":
      return new FormatLook([new Rfc5424Format()], forTerminal);
    case "traditional":
      return new FormatLook([new TraditionalFormat(zone)], forTerminal);
    default:
      if (format.includes("%")) return new FormatLook(parseLogcatTemplate(format, zone), forTerminal);
      throw unknownFormat(format);
  }
}

function unknownFormat(format: string): Fault {
  const meant = nearest(format, FORMAT_NAMES);
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return new Fault("usage", "format", `unknown format ${JSON.stringify(format)}: expected ${FORMAT_FORM}${hint}`);
}
