// What goes between the recorder's thread and that of its archive.
import type { StreamMarks } from "../../feed/marks.ts";
import type { Retention } from "../segment.ts";

export type ToWorker =
  | {
      readonly do: "open";
      readonly directory: string;
      readonly retention: Retention;
      readonly isSynced: boolean;
      readonly mode: number;
      readonly owner: { readonly uid: number; readonly gid: number } | undefined;
    }
  /** A block of records, as block.ts encodes it. */
  | { readonly do: "append"; readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly do: "commit"; readonly marks: readonly StreamMarks[] }
  | { readonly do: "close" };

export type FromWorker =
  | { readonly is: "opened"; readonly marks: readonly StreamMarks[] }
  /** It can't be opened. */
  | { readonly is: "refused"; readonly reason: string }
  /** The oldest commit that was asked for is done. */
  | { readonly is: "committed" }
  /** It is tried again and again. */
  | { readonly is: "failing"; readonly reason: string }
  | { readonly is: "working" }
  | { readonly is: "trouble"; readonly text: string }
  | { readonly is: "closed" };
