// `syslogd --explain`: messages from stdin, and for each what would become of it.
import { hostname } from "node:os";
import { parseMessage } from "../../syslog/parse.ts";
import { DEFAULT_RULES, LOCAL_RULES, type ParseRules } from "../../syslog/parse-rules.ts";
import { origin, RecordView } from "../../syslog/record.ts";
import { tryZone, UTC, type ZoneOffset } from "../../syslog/zone.ts";
import { type Explanation, explain } from "../explain.ts";
import { MessageCutter } from "../message-cutter.ts";
import type { Settings } from "../settings.ts";
import { rulesFor } from "./listeners.ts";

/** As what a message is taken to have come. */
export const EXPLAINED_VIAS = ["unix", "udp", "tcp"] as const;

export interface ExplainOptions {
  readonly via: (typeof EXPLAINED_VIAS)[number];
  /** The sender's address or name, "" for one of which nothing is known. */
  readonly from: string;
  /** The clock by which dates are read; `undefined`: that of this host, message by message. */
  readonly nowMs: number | undefined;
  /** The zone of times that name none; `undefined`: as the settings say. */
  readonly zone: ZoneOffset | undefined;
  /** Messages are ended by NUL, not by a line feed. */
  readonly isNulEnded: boolean;
}

/** Explains what comes from `input`, message by message. */
export async function* explainInput(
  input: AsyncIterable<Uint8Array>,
  settings: Settings,
  options: ExplainOptions,
): AsyncGenerator<Explanation> {
  const local = options.zone ?? tryZone(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? UTC;
  const record = new RecordView();
  record.origin = originOf(settings, options);
  const rules = parseRules(settings, options, local);
  const cutter = new MessageCutter(options.isNulEnded ? 0 : 10, rules.messageBytesMax);
  const explained = (message: Uint8Array): Explanation => {
    record.receivedUs = (options.nowMs ?? Date.now()) * 1_000;
    parseMessage(record, message, 0, message.length, rules);
    return explain(record, settings.rules, local);
  };
  for await (const chunk of input) yield* cutter.take(chunk).map(explained);
  yield* cutter.finish().map(explained);
}

function originOf({ host }: Settings, { via, from }: ExplainOptions) {
  if (via === "unix") return origin(via, from || host || hostname());
  return origin(via, from || "-", from);
}

function parseRules({ sources }: Settings, { via, zone }: ExplainOptions, local: ZoneOffset): ParseRules {
  return rulesFor(via === "unix" ? LOCAL_RULES : DEFAULT_RULES, zone, sources, { zone: local });
}
