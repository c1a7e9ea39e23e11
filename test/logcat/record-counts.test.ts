import { expect, test } from "bun:test";
import { openMetrics } from "../../lib/base/open-metrics.ts";
import { Arrival } from "../../lib/logcat/arrival.ts";
import { labelName, RecordCounts, SERIES_MAX } from "../../lib/logcat/record-counts.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";
import { utf8 } from "./messages.ts";

function add(counts: RecordCounts, message: string): void {
  const record = new RecordView();
  record.origin = origin("group", "h");
  const bytes = utf8(message);
  parseMessage(record, bytes, 0, bytes.length, OWN_RULES);
  const arrival = new Arrival();
  arrival.group = "log.web";
  counts.add(record, arrival);
}

test("records are counted by fields, of their own, of structured data, of JSON", () => {
  const counts = new RecordCounts(["group", "host", "severity", "status", "req.id"]);
  for (const status of [200, 500, 200])
    add(counts, `<13>1 2026-11-23T12:03:04Z web1 app 1 - [x@1 a="b"] {"status":${status},"req":{"id":"q"}}`);
  add(counts, '<11>1 2026-11-23T12:03:04Z we"b2 app 1 - [req@1 status="7"] text');
  expect(openMetrics("p", counts.samples())).toBe(`# TYPE p_records counter
# HELP p_records log records
p_records_total{group="log.web",host="web1",severity="notice",status="200",req_id="q"} 2
p_records_total{group="log.web",host="web1",severity="notice",status="500",req_id="q"} 1
p_records_total{group="log.web",host="we\\"b2",severity="err",status="7",req_id=""} 1
# TYPE p_record_bytes counter
# HELP p_record_bytes bytes of log records
p_record_bytes_total{group="log.web",host="web1",severity="notice",status="200",req_id="q"} 166
p_record_bytes_total{group="log.web",host="web1",severity="notice",status="500",req_id="q"} 83
p_record_bytes_total{group="log.web",host="we\\"b2",severity="err",status="7",req_id=""} 64
# EOF
`);
});

test("senders that choose values without end get one series for all further ones", () => {
  const counts = new RecordCounts(["host"]);
  for (let host = 0; host < SERIES_MAX + 5; host++) add(counts, `<13>1 2026-11-23T12:03:04Z h${host} app 1 - - x`);
  add(counts, "<13>1 2026-11-23T12:03:04Z h0 app 1 - - x");
  const records = counts.samples().filter(({ name }) => name === "records");
  expect(records.length).toBe(SERIES_MAX + 1);
  expect(records.at(-1)).toMatchObject({ labels: { host: "~other" }, value: 5 });
  expect(records[0]).toMatchObject({ labels: { host: "h0" }, value: 2 });
  expect(counts.others).toBe(5);
});

test("a label has a name that OpenMetrics takes", () => {
  expect(["host", "req.id", "x-forwarded-for", "2xx"].map(labelName)).toEqual([
    "host",
    "req_id",
    "x_forwarded_for",
    "_2xx",
  ]);
});
