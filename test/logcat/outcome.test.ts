import { describe, expect, test } from "bun:test";
import { ENDLESS } from "../../lib/logcat/ending.ts";
import { type Ended, failureOf } from "../../lib/logcat/outcome.ts";

const GAP = { kind: "gap", group: "log.mail", host: "web1", from: 2, to: 2, away: "nobody" } as const;
const UNTIL = { ...ENDLESS, until: [/x/] };
const systemError = (code: string) => Object.assign(new Error(`${code}: no space left on device, write`), { code });

describe("what the end means", () => {
  for (const { end, is } of [
    { end: { cause: "stop" }, is: undefined },
    { end: { cause: "for" }, is: undefined },
    { end: { cause: "until", rule: UNTIL }, is: undefined },
    {
      end: { cause: "for", rule: UNTIL },
      is: { kind: "temporary", code: "unmet", message: "what was waited for did not come: the time is over" },
    },
    { end: { cause: "stop", rule: UNTIL }, is: { kind: "temporary", code: "unmet" } },
    { end: { cause: "closed", rule: UNTIL }, is: undefined },
    { end: { cause: "closed", outputError: systemError("EPIPE") }, is: undefined },
    {
      end: { cause: "closed", outputError: systemError("ENOSPC") },
      is: { kind: "io", code: "ENOSPC", message: "cannot write output: its file system is full" },
    },
    {
      end: { cause: "gap", gap: GAP },
      is: { kind: "data", code: "gap", message: "1 record of web1 missing in log.mail (2) (--strict)" },
    },
    { end: { cause: "for", gap: GAP }, is: undefined },
    {
      end: { cause: "for", lostLines: 4 },
      is: { kind: "io", code: "lost", message: "cannot write output: 4 lines lost in all" },
    },
  ] as const)
    test(
      JSON.stringify(end, (key, value) => (key === "rule" ? "until" : value)),
      () => {
        const ended: Ended = { rule: ENDLESS, gap: undefined, outputError: undefined, lostLines: 0, ...end };
        const failure = failureOf(ended);
        if (is === undefined) expect(failure).toBeUndefined();
        else expect(failure).toMatchObject(is);
      },
    );
});
