// Makes the destination that a rule asks for.
import { ownerOf } from "../../run/accounts.ts";
import type { BlockPool } from "../../sink/line-queue.ts";
import type { ZoneOffset } from "../../syslog/zone.ts";
import type { OpenDestination, Say } from "../destination.ts";
import type { WriteRule } from "../write-rule.ts";
import { FileDestination } from "./file-destination.ts";

export interface DestinationContext {
  readonly zone: ZoneOffset;
  readonly wallMs: () => number;
  readonly pool: BlockPool;
  readonly env: Record<string, string | undefined>;
  readonly say: Say;
  /** Records were lost, and that is told: for a record of it. */
  readonly onLost: (text: string) => void;
}

/** @throws {Fault} where it can't be had at all: its owner is unknown; what may work later is tried again later */
export async function openDestination(rule: WriteRule, context: DestinationContext): Promise<OpenDestination> {
  const { to } = rule;
  switch (to.kind) {
    case "file": {
      const owner = rule.files.owner === "" ? undefined : ownerOf(rule.files.owner);
      return { destination: new FileDestination(rule, to.path, { ...context, owner }) };
    }
    default:
      return to.kind satisfies never;
  }
}
