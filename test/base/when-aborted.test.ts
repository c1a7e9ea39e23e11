import { expect, test } from "bun:test";
import { whenAborted } from "../../lib/base/when-aborted.ts";

test("it resolves when the signal comes, and not before", async () => {
  const stop = new AbortController();
  const seen: string[] = [];
  const waited = whenAborted(stop.signal).then(() => seen.push("aborted"));
  await Promise.resolve();
  seen.push("before");
  stop.abort("SIGTERM");
  await waited;
  expect(seen).toEqual(["before", "aborted"]);
});

test("a signal that has come already is not waited for", async () => {
  expect(await whenAborted(AbortSignal.abort())).toBeUndefined();
});
