import type { Format } from "../syslog/format.ts";
import type { RecordView } from "../syslog/record.ts";
import type { LineWriter } from "./line-writer.ts";

/** Gives the sink a line as it is, without its line feed: the sink adds that. */
export class MadeLine implements Format {
  constructor(private readonly line: LineWriter) {}

  bound(): number {
    return this.line.end;
  }

  write(_record: RecordView, out: Uint8Array, at: number): number {
    const { bytes, end } = this.line;
    out.set(bytes.subarray(0, end - 1), at);
    return at + end - 1;
  }
}
