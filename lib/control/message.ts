// What goes over a service's control socket: one JSON object a line, both ways. A request has a version, a word and arguments; the service
// answers with any number of `part` lines (a stream, as `status --watch`), then one `end` or one `error`. Version N talks to N-1.
import * as v from "valibot";
import { Fault, type FaultKind } from "../base/fault.ts";

/** Version of this protocol. */
export const CONTROL_VERSION = 1;

/** A line longer than this is refused: nobody may make a service keep more. */
export const LINE_BYTES_MAX = 1024 * 1024;

/** What an operator's command asks of a service. */
export interface Request {
  /** The word: "status", "stats", "reload". */
  readonly ask: string;
  readonly with: Readonly<Record<string, unknown>>;
}

/** One line of the answer. */
export type Answer =
  | { readonly is: "part"; readonly value: unknown }
  | { readonly is: "end"; readonly value: unknown }
  | { readonly is: "error"; readonly kind: FaultKind; readonly code: string; readonly message: string };

const requestShape = v.object({
  version: v.pipe(v.number(), v.integer()),
  ask: v.pipe(v.string(), v.regex(/^[a-z][a-z-]{0,31}$/)),
  with: v.optional(v.record(v.string(), v.unknown()), {}),
});

const answerShape = v.variant("is", [
  v.object({ is: v.literal("part"), value: v.unknown() }),
  v.object({ is: v.literal("end"), value: v.unknown() }),
  v.object({ is: v.literal("error"), kind: v.string(), code: v.string(), message: v.string() }),
]);

/** Writes a request as its line, line end included. */
export function writeRequest(request: Request): string {
  return `${JSON.stringify({ version: CONTROL_VERSION, ...request })}\n`;
}

/**
 * Reads a request line.
 * @throws {Fault} kind "protocol": no JSON, another shape, or a version that this one does not speak
 */
export function readRequest(line: string): Request {
  const found = v.safeParse(requestShape, parseJson(line));
  if (!found.success) throw new Fault("protocol", "request", `cannot read control request: ${found.issues[0].message}`);
  const { version, ask, with: given } = found.output;
  if (version < CONTROL_VERSION - 1 || version > CONTROL_VERSION) {
    throw new Fault(
      "protocol",
      "version",
      `cannot read control request: version is ${version}, wanted ${CONTROL_VERSION}`,
    );
  }
  return { ask, with: given };
}

/** Writes one line of an answer, line end included. */
export function writeAnswer(answer: Answer): string {
  return `${JSON.stringify(answer)}\n`;
}

/** The answer that tells of a fault. */
export function refusal(fault: Fault): Answer {
  return { is: "error", kind: fault.kind, code: fault.code, message: fault.message };
}

/**
 * Reads one line of an answer.
 * @throws {Fault} kind "protocol" where it is none
 */
export function readAnswer(line: string): Answer {
  const found = v.safeParse(answerShape, parseJson(line));
  if (!found.success) throw new Fault("protocol", "answer", `cannot read control answer: ${found.issues[0].message}`);
  // A kind that this version does not know can only come from a newer one; the fault is shown all the same.
  return found.output as Answer;
}

/** Cuts a byte stream into lines of bounded length. */
export class LineCutter {
  #rest = "";
  readonly #decoder = new TextDecoder();

  /**
   * @returns the lines that `chunk` completes
   * @throws {Fault} kind "protocol", code "line" where a line grows over `LINE_BYTES_MAX`
   */
  take(chunk: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > LINE_BYTES_MAX || lines.some((line) => line.length > LINE_BYTES_MAX)) {
      throw new Fault("protocol", "line", `cannot read control line: longer than ${LINE_BYTES_MAX} bytes`);
    }
    return lines;
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new Fault("protocol", "json", "cannot read control line: no JSON", { cause });
  }
}
