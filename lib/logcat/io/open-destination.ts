// Makes the destination that a rule asks for.
import { ownerOf } from "../../run/accounts.ts";
import type { BlockPool } from "../../sink/line-queue.ts";
import type { ZoneOffset } from "../../syslog/zone.ts";
import type { OpenDestination, Say } from "../destination.ts";
import type { WriteRule } from "../write-rule.ts";
import { ArchiveDestination } from "./archive-destination.ts";
import { FileDestination } from "./file-destination.ts";
import { openHandOver } from "./hand-over.ts";
import { MetricsDestination } from "./metrics-destination.ts";

export interface DestinationContext {
  readonly zone: ZoneOffset;
  readonly wallMs: () => number;
  readonly pool: BlockPool;
  readonly env: Record<string, string | undefined>;
  /** This life of the recorder. */
  readonly incarnation: string;
  /** Where the recorder keeps what outlives it. */
  readonly stateDirectory: string;
  readonly say: Say;
  /** Records were lost, and that is told: for a record of it. */
  readonly onLost: (text: string) => void;
  /** There is much to commit: it had better be soon. */
  readonly onPressing: () => void;
  readonly monotonicMs: () => number;
}

/** @throws {Fault} where it can't be had at all: its owner is unknown; what may work later is tried again later */
export async function openDestination(rule: WriteRule, context: DestinationContext): Promise<OpenDestination> {
  const { to } = rule;
  switch (to.kind) {
    case "file": {
      const owner = fileOwner(rule);
      return { destination: new FileDestination(rule, to.path, { ...context, owner }) };
    }
    case "archive":
      return await ArchiveDestination.open({
        directory: to.path,
        retention: rule.archive,
        isSynced: rule.files.sync !== "never",
        mode: rule.files.mode,
        owner: fileOwner(rule),
        bufferBytes: rule.bufferBytes,
        waits: rule.whenFull === "wait",
        say: context.say,
        onPressing: context.onPressing,
        monotonicMs: context.monotonicMs,
      });
    case "exec":
    case "syslog":
      return { destination: openHandOver(rule, to, context) };
    case "metrics":
      return { destination: new MetricsDestination(rule, to.at, context) };
    default:
      return to satisfies never;
  }
}

function fileOwner({ files }: WriteRule): ReturnType<typeof ownerOf> | undefined {
  return files.owner === "" ? undefined : ownerOf(files.owner);
}
