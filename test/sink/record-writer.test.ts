import { expect, test } from "bun:test";
import { RECORD_BYTES_MAX } from "../../lib/feed/batch.ts";
import { RecordWriter } from "../../lib/sink/record-writer.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { DEFAULT_RULES, OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { MARK_CUT, origin, RecordView } from "../../lib/syslog/record.ts";

const RULES = { ...DEFAULT_RULES, messageBytesMax: 1 << 20 };

function record(text: string): RecordView {
  const view = new RecordView();
  view.origin = origin("udp", "web1", "192.0.2.7");
  view.receivedUs = 1_795_000_000_000_000;
  const bytes = new TextEncoder().encode(text);
  parseMessage(view, bytes, 0, bytes.length, RULES);
  return view;
}

function readBack(writer: RecordWriter, length: number): RecordView {
  const view = new RecordView();
  parseMessage(view, writer.bytes.slice(0, length), 0, length, OWN_RULES);
  return view;
}

const header = "<34>1 2003-10-11T22:14:15.003Z host app 7 ID ";

for (const { name, text, msg, sd } of [
  { name: "a short record is written whole", text: `${header}[a b="c"] text`, msg: /^text$/, sd: '[a b="c"]' },
  {
    name: "a long text is cut",
    text: `${header}[a b="c"] ${"x".repeat(100_000)}`,
    msg: /^x{65000,65400}$/,
    sd: '[a b="c"]',
  },
  {
    name: "a text is cut between two characters",
    text: `${header}- ${"\u2713".repeat(40_000)}`,
    msg: /^\u2713{21700,21800}$/,
    sd: "",
  },
  {
    name: "structured data that is too long goes as a whole, and the text stays",
    text: `${header}[a b="${"y".repeat(70_000)}"] text`,
    msg: /^text$/,
    sd: "",
  },
  {
    name: "both too long: the text is cut, the structured data goes",
    text: `${header}[a b="${"y".repeat(70_000)}"] ${"x".repeat(70_000)}`,
    msg: /^x{65000,65400}$/,
    sd: "",
  },
])
  test(name, () => {
    const writer = new RecordWriter();
    const view = record(text);
    const before = { ...view };
    const length = writer.write(view);
    expect(length).toBeLessThanOrEqual(RECORD_BYTES_MAX);
    expect({ ...view }).toEqual(before);
    const back = readBack(writer, length);
    expect([back.pri, back.hostText(), back.appText(), back.procidText(), back.msgidText()]).toEqual([
      34,
      "host",
      "app",
      "7",
      "ID",
    ]);
    expect(back.msgText()).toMatch(msg);
    expect(back.sdText()).toBe(sd);
    expect(back.isMarked(MARK_CUT)).toBe(Buffer.byteLength(text) > 60_000);
    expect(back.form).toBe("5424");
  });
