// The golden vectors: what crossed the wire between real programs (test/vectors/README.md). `SPREADBOX_VECTORS` names further directories.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface ParsedHeader {
  readonly endian: "little" | "big";
  /** Hex, marks removed. */
  readonly type: string;
  readonly type_flags: readonly string[];
  readonly private_group_name: string;
  readonly num_groups: number;
  readonly hint_endian: "little" | "big";
  readonly mess_type: number;
  readonly data_len: number;
}

export type ParsedMembership =
  | {
      readonly kind: "regular";
      readonly group: string;
      readonly group_id: ParsedGroupId;
      readonly num_vs_sets: number;
      readonly local_vs_set_offset: number;
      readonly vs_sets: readonly (readonly string[])[];
      readonly my_vs_set_index: number;
    }
  | { readonly kind: "transitional"; readonly group: string; readonly group_id: ParsedGroupId }
  | { readonly kind: "self-leave"; readonly group: string }
  | { readonly kind: "forged"; readonly note: string };

export interface ParsedGroupId {
  readonly proc_id: number;
  readonly time: number;
  readonly index: number;
}

export type Parsed =
  | {
      readonly kind: "connect-request";
      readonly version: readonly number[];
      readonly flags_byte: number;
      readonly priority: number;
      readonly wants_membership: boolean;
      readonly name: string;
    }
  | { readonly kind: "auth-list"; readonly list: string }
  | { readonly kind: "auth-choice"; readonly methods: readonly string[] }
  | { readonly kind: "pword-credentials"; readonly username: string; readonly password: string }
  | { readonly kind: "pword-response"; readonly value: number }
  | {
      readonly kind: "accept";
      readonly version: readonly number[];
      readonly private_group: string;
    }
  | { readonly kind: "reject"; readonly code: number }
  | {
      readonly kind: "message";
      readonly header: ParsedHeader;
      readonly groups: readonly string[];
      readonly membership?: ParsedMembership;
    }
  | { readonly kind: "raw" }
  | { readonly kind: "incomplete-or-illegal-message" };

export interface Step {
  readonly conn: string;
  readonly dir: "c2s" | "s2c";
  readonly event: string | undefined;
  /** When, since the case began: matters where a client was slow on purpose. */
  readonly atMs: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly parsed: Parsed | undefined;
  readonly volatile: readonly { readonly offset: number; readonly len: number }[];
}

export interface Vector {
  readonly name: string;
  readonly description: string;
  readonly transport: "tcp" | "unix";
  /** `options`: lines of spread.conf. */
  readonly daemon: {
    readonly name: string;
    readonly version: string;
    readonly byte_order: string;
    readonly options?: string;
  };
  readonly steps: readonly Step[];
}

/** Every vector of a session, of `test/vectors` and of the directories in `SPREADBOX_VECTORS`. Files without steps are of another kind. */
export function vectors(): readonly Vector[] {
  const further = (process.env["SPREADBOX_VECTORS"] ?? "").split(":").filter((directory) => directory !== "");
  return [join(import.meta.dir, "../vectors"), ...further].flatMap(readDirectory);
}

/** A step's bytes with what differs from run to run replaced by zeros. */
export function masked(step: Step, bytes: Uint8Array = step.bytes): Uint8Array {
  const copy = bytes.slice();
  for (const { offset, len } of step.volatile) copy.fill(0, offset, offset + len);
  return copy;
}

interface RawStep {
  readonly conn: string;
  readonly dir: "c2s" | "s2c";
  readonly event?: string;
  readonly t_ms?: number;
  readonly hex?: string;
  readonly parts?: readonly { readonly hex?: string; readonly repeat?: string; readonly count?: number }[];
  readonly parsed?: Parsed;
  readonly volatile?: readonly { readonly offset: number; readonly len: number }[];
}

function readDirectory(directory: string): Vector[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json") && !name.startsWith("status-"))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")))
    .filter((raw) => Array.isArray(raw.steps))
    .map((raw) => ({ ...raw, steps: raw.steps.map(readStep) }));
}

function readStep(raw: RawStep): Step {
  const parts = raw.parts ?? [{ hex: raw.hex ?? "" }];
  const hex = parts.map((part) => part.hex ?? (part.repeat ?? "").repeat(part.count ?? 0)).join("");
  const { conn, dir, event, t_ms: atMs = 0, parsed, volatile = [] } = raw;
  return { conn, dir, event, atMs, parsed, volatile, bytes: new Uint8Array(Buffer.from(hex, "hex")) };
}
