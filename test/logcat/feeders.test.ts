import { expect, test } from "bun:test";
import { Feeders } from "../../lib/logcat/feeders.ts";

test("a host feeds a group no more when its last session that did has gone", () => {
  const feeders = new Feeders();
  feeders.feeds("#one#d", "web1", "log.a");
  feeders.feeds("#one#d", "web1", "log.b");
  feeders.feeds("#two#d", "web1", "log.a");
  feeders.feeds("#three#d", "web2", "log.a");
  expect([...feeders.keep(() => true)]).toEqual([]);
  expect([...feeders.keep((session) => session !== "#one#d")]).toEqual([{ host: "web1", group: "log.b" }]);
  expect([...feeders.keep((session) => session === "#three#d")]).toEqual([{ host: "web1", group: "log.a" }]);
  feeders.forget();
  expect([...feeders.keep(() => false)]).toEqual([]);
});

test("nobody can make it remember without end", () => {
  const feeders = new Feeders();
  for (let group = 0; group < 10_050; group++) feeders.feeds("#one#d", "web1", `g${group}`);
  expect([...feeders.keep(() => false)].length).toBe(10_000);
  for (let session = 0; session < 4_150; session++) feeders.feeds(`#${session}#d`, `h${session}`, "g");
  expect([...feeders.keep(() => false)].length).toBe(4_096);
});
