import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { logcatTable } from "../../lib/logcat/table.ts";
import { formatWriteTarget, parseWriteTarget } from "../../lib/logcat/write-target.ts";

describe("a destination is written as it is read", () => {
  for (const [text, as] of [
    ["file:/var/log/%host%.log", "file:/var/log/%host%.log"],
    ["exec: /usr/bin/alert --all ", "exec:/usr/bin/alert --all"],
    ["syslog:udp:loghost", "syslog:udp:loghost:514"],
    ["syslog:tcp:[2001:db8::1]:601", "syslog:tcp:[2001:db8::1]:601"],
    ["syslog:tls:loghost", "syslog:tls:loghost:6514"],
    ["metrics:127.0.0.1", "metrics:127.0.0.1:9517"],
    ["metrics:[::1]:9000", "metrics:[::1]:9000"],
    ["metrics:/var/lib/node_exporter/log.prom", "metrics:/var/lib/node_exporter/log.prom"],
  ] as const)
    test(text, () => {
      expect(formatWriteTarget(parseWriteTarget(text))).toBe(as);
      expect(formatWriteTarget(parseWriteTarget(as))).toBe(as);
    });
});

describe("what is none is refused", () => {
  for (const { text, says } of [
    { text: "exec:", says: "expected a command, which the shell runs" },
    { text: "exce:cat", says: 'did you mean "exec:cat"?' },
    { text: "syslog:loghost", says: 'expected "syslog:udp:HOST:PORT"' },
    { text: "syslog:tcp:log host", says: 'expected "syslog:udp:HOST:PORT"' },
    { text: "syslog:tcp:loghost:99999", says: 'expected "syslog:udp:HOST:PORT"' },
    { text: "metrics:somewhere", says: 'such as "metrics:127.0.0.1:9517", or the path of a file' },
    { text: "metrics:/", says: "this is a directory" },
  ])
    test(text, () => expect(() => parseWriteTarget(text)).toThrow(says));
});

describe("a key that is of no use there is refused", () => {
  for (const { entry, says } of [
    { entry: { to: "exec:cat", rotate_size: "1MiB" }, says: '"rotate_size" is for file, and this is exec:cat' },
    { entry: { to: "file:/x", labels: ["host"] }, says: '"labels" is for metrics, and this is file:/x' },
    { entry: { to: "file:/x", spool: "1MiB" }, says: '"spool" is for exec, syslog' },
    { entry: { to: "metrics:/x", format: "raw" }, says: '"format" is for file, exec, syslog' },
    { entry: { to: "exec:cat", certificate: "/x" }, says: '"certificate" is for syslog' },
    { entry: { to: "syslog:udp:h", format: "json" }, says: 'takes rfc5424 or traditional, not "json"' },
  ])
    test(says, () => {
      const table = v.parse(logcatTable.schema, { write: [{ groups: ["g"], ...entry }] });
      expect(logcatTable.check!(table).map(({ message }) => message)).toEqual([expect.stringContaining(says)]);
    });
});
