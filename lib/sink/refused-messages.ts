// What the daemon has sent back because we may not send it ([[spreadd.allow]]): how many records went there and were not passed on, and what the operator is to be
// told. A refused message comes back before a mark that was sent behind it, so it is known in time that the mark does not speak for these.
import { BATCH_MESSAGE_TYPE, BatchError } from "../feed/batch.ts";
import { BatchView, readBatchHeader } from "../feed/batch-reader.ts";
import { MARK_MESSAGE_TYPE } from "../feed/mark.ts";
import { TEXT_MESSAGE_TYPE, TextLines } from "../feed/text-payload.ts";
import type { FrameView } from "../spread/frame.ts";
import { tryServiceType } from "../spread/service.ts";

/** Names of groups may be made of what clients say: more are not remembered. */
const TOLD_MAX = 256;

export class RefusedMessages {
  readonly #told = new Set<string>();
  readonly #batch = new BatchView();
  #records = 0;

  /**
   * Takes a frame that was sent back.
   * @returns the group that we may not send to, where that is to be told; `undefined` where it has been, or the frame is nothing of a sink's
   */
  take(frame: FrameView): string | undefined {
    if (frame.kind !== "reject" || tryServiceType(frame.oldService) === undefined) return undefined; // a refused join
    const { messageType } = frame;
    if (messageType === BATCH_MESSAGE_TYPE) this.#records += this.#recordsOf(frame);
    else if (messageType === TEXT_MESSAGE_TYPE) this.#records += linesOf(frame);
    else if (messageType !== MARK_MESSAGE_TYPE) return undefined;
    const [group] = frame.groups();
    if (group === undefined || this.#told.has(group) || this.#told.size >= TOLD_MAX) return undefined;
    this.#told.add(group);
    return group;
  }

  /** Of the `arrived` records that a mark speaks for, those that were refused; they are taken off. */
  outOf(arrived: number): number {
    const refused = Math.min(arrived, this.#records);
    this.#records -= refused;
    return refused;
  }

  /** Another connection: what is not confirmed goes out again. */
  startOver(): void {
    this.#records = 0;
  }

  #recordsOf({ bytes, bodyStart, bodyEnd }: FrameView): number {
    try {
      readBatchHeader(bytes, bodyStart, bodyEnd, this.#batch);
      return this.#batch.count;
    } catch (error) {
      if (!(error instanceof BatchError)) throw error; // none of ours
      return 0;
    }
  }
}

function linesOf({ bytes, bodyStart, bodyEnd }: FrameView): number {
  const lines = new TextLines(bytes, bodyStart, bodyEnd);
  let count = 0;
  while (lines.next()) count += 1;
  return count;
}
