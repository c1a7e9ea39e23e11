import { describe, expect, test } from "bun:test";
import { styleFor } from "../../lib/cli/style.ts";
import { failoverTimes, timeoutConflicts } from "../../lib/probe/failover-times.ts";
import { lintSpreadConf } from "../../lib/probe/lint.ts";
import { lintReport } from "../../lib/probe/lint-report.ts";
import { readSpreadConf } from "../../lib/spread/spread-conf.ts";
import { LAN_TIMEOUTS, TIMEOUT_NAMES, type Timeouts, WAN_TIMEOUTS } from "../../lib/spread/spread-conf-options.ts";

const lint = (text: string) => lintSpreadConf(readSpreadConf(text), "spread.conf");
const codes = (text: string) =>
  lint(text).findings.map(({ severity, line, code }) => `${severity} ${line ?? "-"} ${code}`);

const QUIET = `SocketPortReuse = on
MaxSessionMessages = 20000
AllowedAuthMethods = "IP"
`;

const THREE = `${QUIET}Spread_Segment 192.0.2.255:4803 {
  alpha 192.0.2.1
  beta  192.0.2.2 VirtualID = 7
  gamma 192.0.2.3 { D 192.0.2.3 C 127.0.0.1 }
}
`;

test("a file without mistakes: daemons, ports, and what the timeouts mean", () => {
  expect(lintReport(lint(THREE), styleFor(false))).toEqual([
    "spread.conf: 3 daemons in 1 segment, configuration hash 1749738725 (must be the same on every host)",
    "",
    "Segment 1 at 192.0.2.255: TCP 4803 for clients, UDP 4803 and 4804 between daemons, socket /tmp/4803",
    "  DAEMON  ADDRESS               ID  CLIENTS ON",
    "  alpha   192.0.2.1     2936723249  all addresses of its host",
    "  beta    192.0.2.2  7 (VirtualID)  all addresses of its host",
    "  gamma   192.0.2.3     2743746477  127.0.0.1",
    "",
    "Timeouts (LAN defaults): Token 1250, Hurry 500, Alive 250, Join 250, Rep 625, Seg 500, Gather 1250, Form 1250, Lookup 30000 ms",
    "  a host, its daemon or its cable is gone: the others have new views after 2.5 s to 3 s",
    "  the network is whole again: the parts are one after at most about 31.3 s",
    "  a client's process ends: the others know at once, whatever the timeouts",
    "  a daemon starts: clients' joins are answered after 1.75 s",
    "",
    "spread.conf: accepted",
  ]);
});

test("a file with mistakes shows what could be read, each mistake with its place, and the verdict last", () => {
  const report = lintReport(lint("Spread_Segment 192.0.2.255 { auto 192.0.2.1 }\nWindw = 5\n"), styleFor(false));
  expect(report.slice(-3)).toEqual([
    'spread.conf:1:30: error: the reserved word "auto" can\'t be a daemon\'s name: put it in quotes, as in "auto"',
    'spread.conf:2:1: error: unknown option "Windw"; did you mean "Window"?',
    "spread.conf: refused: Spread does not start with it (2 errors)",
  ]);
});

describe("what a right file is advised", () => {
  for (const [option, found] of [
    ["", []],
    ["MaxSessionMessages = 1000", ["warning 4 twice", "warning 4 slow-readers"]],
    ["DangerousMonitor = true", ["warning 4 dangerous-monitor"]],
    ["DaemonUser = root", ["warning 4 root"]],
    ["AllowedAuthMethods = NULL", ["warning 4 twice", "note 4 open"]],
    ["SocketPortReuse = auto", ["warning 4 twice", "note 4 restart"]],
  ] as const)
    test(option === "" ? "nothing, where all is well" : option, () =>
      expect(codes(THREE.replace("Spread_Segment", `${option}\nSpread_Segment`))).toEqual([...found]),
    );
  test("the daemon's defaults, where nothing is said", () =>
    expect(codes("Spread_Segment 192.0.2.255 { a 192.0.2.1 }")).toEqual([
      "warning - slow-readers",
      "note - open",
      "note - restart",
    ]));
});

const fifth = (timeouts: Timeouts): Timeouts =>
  Object.fromEntries(TIMEOUT_NAMES.map((name) => [name, timeouts[name] / 5])) as unknown as Timeouts;

describe("fail-over times hold what was measured on three hosts", () => {
  const within = (timeouts: Timeouts, measuredMs: readonly number[]) => {
    const { lostHostLeastMs, lostHostMostMs } = failoverTimes(timeouts);
    // 30 ms for forming the ring and for the measuring itself
    for (const ms of measuredMs) expect(ms >= lostHostLeastMs && ms <= lostHostMostMs + 30).toBe(true);
  };
  test("LAN defaults: host gone, cable pulled, partition", () =>
    within(LAN_TIMEOUTS, [2630, 2735, 2786, 2731, 2866, 2876, 2609, 2755, 2842]));
  test("a fifth of them", () => within(fifth(LAN_TIMEOUTS), [515, 532, 600, 505, 524, 565, 511, 586, 601]));
  test("a first ring", () => expect(failoverTimes(LAN_TIMEOUTS).firstRingMs).toBe(1_750));
});

describe("timeouts that work against each other", () => {
  test("the defaults don't, nor a fifth of them", () => {
    expect([
      ...timeoutConflicts(LAN_TIMEOUTS),
      ...timeoutConflicts(WAN_TIMEOUTS),
      ...timeoutConflicts(fifth(LAN_TIMEOUTS)),
    ]).toEqual([]);
  });
  for (const [change, option] of [
    [{ Hurry: 1_000 }, "HurryTimeout"],
    [{ Alive: 300 }, "AliveTimeout"],
    [{ Join: 400 }, "JoinTimeout"],
    [{ Token: 50, Hurry: 20 }, "TokenTimeout"],
  ] as const)
    test(`${JSON.stringify(change)} is told at ${option}`, () =>
      expect(timeoutConflicts({ ...LAN_TIMEOUTS, ...change })[0]?.option).toBe(option));
});
