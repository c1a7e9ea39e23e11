import type { Format } from "../../lib/syslog/format.ts";
import type { RecordView } from "../../lib/syslog/record.ts";

/** What a format makes of a record; fails where it needs more room than it said, or writes elsewhere. */
export function written(format: Format, record: RecordView): string {
  const at = 3;
  const bound = format.bound(record);
  const out = new Uint8Array(at + bound + 64).fill(0xaa);
  const end = format.write(record, out, at);
  if (end > at + bound) throw new Error(`${end - at} bytes, more than the bound of ${bound}`);
  if (out.subarray(0, at).some((byte) => byte !== 0xaa) || out.subarray(at + bound).some((byte) => byte !== 0xaa)) {
    throw new Error("it wrote outside its room");
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(out.subarray(at, end));
}
