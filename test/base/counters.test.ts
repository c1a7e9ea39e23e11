import { expect, test } from "bun:test";
import { Registry } from "../../lib/base/counters.ts";
import { openMetrics } from "../../lib/base/open-metrics.ts";

test("one name with the same labels is one counter, in whatever order they are given", () => {
  const registry = new Registry();
  registry.counter("records", "Records taken.", { sink: "a", via: "udp" }).add(2);
  registry.counter("records", "Records taken.", { via: "udp", sink: "a" }).add();
  registry.counter("records", "Records taken.", { sink: "b", via: "udp" }).add(5);
  expect(registry.samples().map(({ labels, value }) => [labels["sink"], value])).toEqual([
    ["a", 3],
    ["b", 5],
  ]);
});

test("a gauge is read when somebody asks, and forgotten when it is removed", () => {
  const registry = new Registry();
  let length = 1;
  registry.gauge("queue", "Records waiting.", () => length);
  length = 7;
  expect(registry.samples()).toMatchObject([{ name: "queue", value: 7 }]);
  registry.remove("queue");
  expect(registry.samples()).toEqual([]);
});

test("OpenMetrics text names each family once, escapes labels, and ends", () => {
  const registry = new Registry();
  registry.counter("records", "Records taken.", { file: 'a"b\\c\nd' }).add(3);
  registry.counter("records", "Records taken.", { file: "e" }).add(1);
  registry.gauge("queue", "Records waiting.", () => 0.5);
  expect(openMetrics("spreadbox_syslogd", registry.samples())).toBe(`# TYPE spreadbox_syslogd_queue gauge
# HELP spreadbox_syslogd_queue Records waiting.
spreadbox_syslogd_queue 0.5
# TYPE spreadbox_syslogd_records counter
# HELP spreadbox_syslogd_records Records taken.
spreadbox_syslogd_records_total{file="a\\"b\\\\c\\nd"} 3
spreadbox_syslogd_records_total{file="e"} 1
# EOF
`);
});
