import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Choice, Chooser, EVERYTHING, parseRegex, parseSeverities } from "../../lib/logcat/choice.ts";
import { ENDLESS, Ending, type EndRule } from "../../lib/logcat/ending.ts";
import { Follower, type FollowerOptions } from "../../lib/logcat/follower.ts";
import { PLAIN_PAPER } from "../../lib/logcat/line-writer.ts";
import { lookOf } from "../../lib/logcat/look-of.ts";
import type { Notice } from "../../lib/logcat/notice.ts";
import { PageOutlet } from "../../lib/logcat/outlet.ts";
import type { View } from "../../lib/spread/membership.ts";
import { UTC } from "../../lib/syslog/zone.ts";
import { cases } from "../support/fuzz.ts";
import { batchFrame, frameOf, NOON_US, ownRecord, utf8 } from "./messages.ts";

const NOW = { wallUs: NOON_US, monotonicMs: 1_000 };

interface Wishes {
  readonly format?: string;
  readonly choice?: Partial<Choice>;
  readonly end?: Partial<EndRule>;
  readonly strict?: boolean;
  readonly members?: boolean;
  readonly pagesBytesMax?: number;
  /** Sessions that are senders now. */
  readonly senders?: readonly string[];
}

/** A follower of log.mail and www that writes to pages; `read` is what the reader of the output got since. */
function follow({
  format = "short",
  choice = {},
  end = {},
  strict = false,
  members = false,
  pagesBytesMax = 1_000_000,
  senders = [],
}: Wishes = {}) {
  const outlet = new PageOutlet(PLAIN_PAPER, pagesBytesMax);
  const told: Notice[] = [];
  const look = lookOf({ format, time: "none", zone: UTC, startUs: NOON_US, forTerminal: false, highlight: [] });
  const options: FollowerOptions = {
    groups: new Set(["log.mail", "www"]),
    chooser: new Chooser({ ...EVERYTHING, ...choice }),
    look,
    records: outlet,
    notices: look.showsNotices ? outlet : undefined,
    onNotice: (notice) => told.push(notice),
    rates: undefined,
    isSender: (session) => senders.includes(session),
    ending: new Ending({ ...ENDLESS, ...end }, 0),
    strict,
    members,
  };
  const follower = new Follower(options);
  const read = () => {
    const page = outlet.take();
    const text = new TextDecoder().decode(page ?? new Uint8Array(0));
    outlet.done(0);
    follower.tellSkipped();
    return text;
  };
  return { follower, told, read, outlet };
}

const hello = (text: string) => ownRecord(`<19>Nov 23 12:03:04 postfix/smtpd[123]: ${text}`);

describe("records become lines", () => {
  test("of a batch", () => {
    const { follower, read } = follow();
    follower.message(batchFrame(1, [hello("one"), hello("two")]), NOW);
    expect(read()).toBe("web1 mail.err postfix/smtpd[123]: one\nweb1 mail.err postfix/smtpd[123]: two\n");
  });

  test("of raw text, whose host is its daemon and whose program is its group", () => {
    const { follower, read } = follow();
    follower.message(frameOf(utf8("GET /a\nGET /b\n\0"), { group: "www", sender: "#apache#web7" }), NOW);
    expect(read()).toBe("web7 - www: GET /a\nweb7 - www: GET /b\n");
  });

  test("of raw text that begins as a syslog message does", () => {
    const { follower, read } = follow();
    follower.message(frameOf(utf8("<11>Nov 23 12:03:04 db1 cron[7]: run"), { group: "www" }), NOW);
    expect(read()).toBe("db1 user.err cron[7]: run\n");
  });

  test("with their line feeds made visible: one record, one line", () => {
    const { follower, read } = follow();
    follower.message(batchFrame(1, [ownRecord("<13>app: first\nsecond\x1b[2J")]), NOW);
    expect(read()).toBe("web1 user.notice app: first\\nsecond\\x1b[2J\n");
  });

  test("but not those of other groups, nor what was sent to us alone", () => {
    const { follower, read } = follow();
    follower.message(batchFrame(1, [hello("one")], { group: "log.auth" }), NOW);
    follower.message(batchFrame(1, [hello("one")], { group: "#logcat#web1" }), NOW);
    expect(read()).toBe("");
    expect(follower.tally.messages).toBe(0);
  });

  test("only as far as they are chosen", () => {
    const { follower, read } = follow({ choice: { severities: parseSeverities("err"), grep: [parseRegex("lost")] } });
    follower.message(batchFrame(1, [hello("lost"), hello("found"), ownRecord("<22>postfix: lost")]), NOW);
    expect(read()).toBe("web1 mail.err postfix/smtpd[123]: lost\n");
    expect(follower.tally).toMatchObject({ records: 3, chosen: 1, shown: 1 });
  });
});

describe("the truth is told in line", () => {
  test("records that are missing, between those that came", () => {
    const { follower, read, told } = follow();
    follower.message(batchFrame(1, [hello("one")]), NOW);
    follower.message(batchFrame(14, [hello("fourteen")]), NOW);
    expect(read().split("\n").slice(1, 3)).toEqual([
      "-- 12 records of web1 missing in log.mail (2-13)",
      "web1 mail.err postfix/smtpd[123]: fourteen",
    ]);
    expect(told).toEqual([{ kind: "gap", group: "log.mail", host: "web1", from: 2, to: 13, away: "nobody" }]);
  });

  test("what came before is dropped, record by record", () => {
    const { follower, read } = follow();
    follower.message(batchFrame(1, [hello("1"), hello("2")]), NOW);
    follower.message(batchFrame(2, [hello("2 again"), hello("3")]), NOW);
    expect(read().match(/: .*/g)).toEqual([": 1", ": 2", ": 3"]);
    expect(follower.gaps.totals.repeated).toBe(1);
  });

  test("what was missing and came late", () => {
    const { follower, read } = follow();
    for (const number of [1, 3, 2]) follower.message(batchFrame(number, [hello(`${number}`)]), NOW);
    expect(read()).toContain(
      "-- 1 record of web1 that was missing in log.mail came late\nweb1 mail.err postfix/smtpd[123]: 2\n",
    );
  });

  test("the daemon's absence, and what was sent meanwhile", () => {
    const { follower, read } = follow();
    follower.message(batchFrame(1, [hello("1")]), NOW);
    follower.lost("connection closed");
    follower.back("unix:/tmp/4803", 3_240);
    follower.message(batchFrame(4, [hello("4")]), NOW);
    expect(read().split("\n").slice(1, 4)).toEqual([
      "-- daemon lost: connection closed; trying again",
      "-- back after 3s200ms: unix:/tmp/4803",
      "-- 2 records of web1 missing in log.mail (2-3), sent while the daemon was away",
    ]);
  });

  test("another life of a host", () => {
    const { follower, read } = follow();
    follower.message(batchFrame(1, [hello("1")]), NOW);
    follower.message(batchFrame(1, [hello("1")], { incarnation: "b" }), NOW);
    expect(read()).toContain("-- web1 began anew in log.mail at 1: what it sent after 1 is not known\n");
  });

  test("but not of one that has said that nothing follows", () => {
    const { follower, told } = follow();
    follower.message(batchFrame(1, [hello("1")]), NOW);
    follower.message(frameOf(utf8("sb1 web1 a 2 0 end\n"), { messageType: 5424 }), NOW);
    follower.message(batchFrame(1, [hello("1")], { incarnation: "b" }), NOW);
    expect(told).toEqual([]);
  });

  test("and what is missing at the end that it says", () => {
    const { follower, told } = follow();
    follower.message(batchFrame(1, [hello("1")]), NOW);
    follower.message(frameOf(utf8("sb1 web1 a 4 0 end\n"), { messageType: 5424 }), NOW);
    expect(told).toMatchObject([{ kind: "gap", from: 2, to: 3 }]);
  });

  test("nor where the session before is a sender still: both may feed the group", () => {
    const { follower, told } = follow({ senders: ["#one#web1"] });
    for (const [index, sender] of ["#one#web1", "#two#web1", "#three#web1"].entries())
      follower.message(batchFrame(1, [hello("1")], { incarnation: `${index}`, sender }), NOW);
    expect(told).toMatchObject([{ kind: "anew", last: 1, next: 1 }]); // #two has gone without a word
  });

  test("what a sender says to have sent, and has not come", () => {
    const { follower, told } = follow({ strict: true });
    follower.message(batchFrame(1, [hello("1")]), NOW);
    follower.told("#sb-1#web1", "web1", "a", "log.mail", 1);
    expect(told).toEqual([]);
    follower.told("#sb-1#web1", "web1", "a", "log.mail", 3);
    expect(told).toEqual([{ kind: "gap", group: "log.mail", host: "web1", from: 2, to: 3, away: "nobody" }]);
    expect(follower.ended).toBe("gap");
  });

  test("the first records of a group that was told to be empty", () => {
    const { follower, told } = follow();
    follower.told("#sb-1#web1", "web1", "a", "www", 0);
    follower.message(batchFrame(3, [hello("3")], { group: "www" }), NOW);
    expect(told).toMatchObject([{ kind: "gap", group: "www", from: 1, to: 2 }]);
  });

  test("a message that is no batch, once for each sender", () => {
    const { follower, read } = follow();
    for (let again = 0; again < 3; again++) follower.message(frameOf(utf8("sb1 web1"), { messageType: 5424 }), NOW);
    follower.message(frameOf(utf8("sb2 whatever"), { messageType: 5424, sender: "#new#web2" }), NOW);
    const lines = read().trimEnd().split("\n");
    expect(lines.length).toBe(2);
    expect(lines[1]).toStartWith(
      "-- a message of #new#web2 in log.mail is no log record: cannot read batch: version 2",
    );
    expect(follower.tally.unreadable).toBe(4);
  });

  test("nothing of a host that is not chosen", () => {
    const { follower, read } = follow({ choice: { hosts: ["db*"] } });
    follower.message(batchFrame(1, [hello("1")]), NOW);
    follower.message(batchFrame(5, [hello("5")]), NOW);
    expect(read()).toBe("");
  });

  test("no host and no group can forge a notice or drive a terminal with its name", () => {
    const { follower, read } = follow({ format: "full" });
    follower.message(frameOf(utf8("sb1 x"), { messageType: 5424, sender: "#a\x1b[2J\n-- #b" }), NOW);
    expect(read()).toStartWith("-- a message of #a\\x1b[2J\\n-- #b in log.mail");
  });

  test("with --members, who feeds and who is in a group", () => {
    const { follower, read } = follow({ members: true });
    follower.message(batchFrame(1, [hello("1")]), NOW);
    const view = { kind: "view", group: "log.mail", id: { daemonId: 1, time: 1, index: 1 }, ownSet: 0 } as const;
    const views = [
      { ...view, group: "www", cause: "network", members: ["#a#x", "#d#v"], sets: [["#a#x"], ["#d#v"]] }, // before it nothing was known
      { ...view, cause: "join", members: ["#a#x", "#b#y"], sets: [["#b#y"]] },
      { ...view, cause: "network", members: ["#a#x"], sets: [["#a#x"]] },
      { ...view, cause: "network", members: ["#a#x", "#c#z"], sets: [["#a#x"], ["#c#z"]] },
    ] as unknown as readonly View[];
    for (const one of views) follower.view(one);
    expect(read().match(/^-- .*/gm)).toEqual([
      "-- web1 feeds log.mail",
      "-- #b#y joined: log.mail has 2 members",
      "-- #b#y went by the network: log.mail has 1 member",
      "-- #c#z came by the network: log.mail has 2 members",
    ]);
  });
});

describe("the end of a follow", () => {
  test("is the record that was waited for, which is shown", () => {
    const { follower, read } = follow({ end: { until: [/ready/] } });
    follower.message(batchFrame(1, [hello("starting"), hello("ready"), hello("more")]), NOW);
    expect(follower.ended).toBe("until");
    expect(read().match(/: .*/g)).toEqual([": starting", ": ready"]);
  });

  test("is the number of chosen records that was asked for", () => {
    const { follower, read } = follow({ end: { first: 2 }, choice: { grep: [/yes/] } });
    follower.message(batchFrame(1, [hello("yes 1"), hello("no"), hello("yes 2"), hello("yes 3")]), NOW);
    expect(follower.ended).toBe("first");
    expect(read().match(/: .*/g)).toEqual([": yes 1", ": yes 2"]);
  });

  test("with --strict is the first gap, and nothing behind it is shown", () => {
    const { follower, read } = follow({ strict: true });
    follower.message(batchFrame(1, [hello("1")]), NOW);
    follower.message(batchFrame(3, [hello("3")]), NOW);
    expect(follower.ended).toBe("gap");
    expect(read()).toEndWith("-- 1 record of web1 missing in log.mail (2)\n");
  });
});

describe("a slow reader", () => {
  test("is told what it missed, where it is missing", () => {
    const { follower, read } = follow({ pagesBytesMax: 200 });
    const take = (number: number) => follower.message(batchFrame(number, [hello(`${number}`)]), NOW);
    for (let number = 1; number <= 10; number++) take(number);
    expect(read().match(/: .*/g)).toEqual([": 1", ": 2", ": 3"]);
    take(11);
    expect(read()).toBe(
      "-- 7 records skipped: whoever reads the output is too slow\nweb1 mail.err postfix/smtpd[123]: 11\n",
    );
    expect(follower.tally).toMatchObject({ chosen: 11, shown: 4, skipped: 7 });
  });

  test("that shows itself late is told of what had piled up, and all of it is counted", () => {
    const { follower, read, outlet } = follow();
    const take = (first: number, count: number) => {
      const records = Array.from({ length: count }, (_, index) => hello(`${first + index} ${"x".repeat(100)}`));
      follower.message(batchFrame(first, records), NOW);
    };
    for (let first = 1; first <= 1_200; first += 300) take(first, 300);
    outlet.take();
    for (let first = 1_201; first <= 3_600; first += 300) take(first, 300);
    outlet.done(600_000);
    follower.tellSkipped();
    take(3_601, 1);
    const lines = read().split("\n");
    expect(lines[0]).toStartWith("-- 2400 records skipped: ");
    expect(lines[1]).toStartWith("web1 mail.err postfix/smtpd[123]: 3601 x");
    expect(lines.length).toBe(3);
    expect(follower.tally).toMatchObject({ chosen: 3_601, shown: 1_201, skipped: 2_400 });
  });

  test("gets every record or its count, whatever its pace", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant("read")), { maxLength: 60 }),
        (steps) => {
          const { follower, read } = follow({ pagesBytesMax: 300 });
          let sent = 0;
          let text = "";
          for (const step of steps) {
            if (step === "read") {
              text += read();
              continue;
            }
            follower.message(
              batchFrame(
                sent + 1,
                Array.from({ length: step }, (_, index) => hello(`${sent + index + 1}`)),
              ),
              NOW,
            );
            sent += step;
          }
          text += read() + read();
          const expected: number[] = [];
          const got = [...text.matchAll(/smtpd\[123\]: (\d+)|-- (\d+) records? skipped/g)];
          let next = 1;
          for (const [, number, skipped] of got) {
            if (skipped !== undefined) next += Number(skipped);
            else expect(Number(number)).toBe(next++);
            expected.push(next);
          }
          expect(next).toBe(sent + 1);
        },
      ),
      cases(500),
    );
  });
});

describe("formats for programs", () => {
  test("json: records and notices, told apart by kind", () => {
    const { follower, read } = follow({ format: "json" });
    follower.message(batchFrame(1, [hello("one")]), NOW);
    follower.message(batchFrame(3, [ownRecord('<13>1 2026-11-23T12:03:04Z db1 app 7 ID [x@1 k="v"] three')]), NOW);
    follower.message(frameOf(utf8("GET /"), { group: "www" }), NOW);
    const lines = read()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toMatchObject([
      {
        kind: "record",
        group: "log.mail",
        from: "web1",
        incarnation: "a",
        number: 1,
        host: "web1",
        app: "postfix/smtpd",
        procid: "123",
        facility: "mail",
        severity: "err",
        msg: "one",
      },
      { kind: "gap", group: "log.mail", host: "web1", from: 2, to: 2, records: 1 },
      { kind: "record", number: 3, host: "db1", msgid: "ID", sd: { "x@1": { k: "v" } }, msg: "three" },
      { kind: "record", group: "www", sender: "#sb-1#web1", msg: "GET /" },
    ]);
  });

  test("json: what one record's source knew is not told of the next", () => {
    const { follower, read } = follow({ format: "json" });
    const known = '<13>1 - h a - - [sb@32473 rx="1" pid="7" uid="0" via="unix"] one';
    follower.message(batchFrame(1, [known, "<13>1 - h a - - - two"]), NOW);
    const [one, two] = read()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(one).toMatchObject({ pid: 7, uid: 0 });
    expect(two).not.toHaveProperty("pid");
    expect(two).not.toHaveProperty("uid");
  });

  test("raw: the message and nothing else, byte by byte; notices go elsewhere", () => {
    const { follower, told } = follow({ format: "raw" });
    const outlet = follow({ format: "raw" });
    outlet.follower.message(frameOf(new Uint8Array([0x61, 0xff, 0x1b, 0x0a, 0x62]), { group: "www" }), NOW);
    expect(outlet.read()).toBe("a\ufffd\x1b\nb\n");
    follower.lost("gone");
    expect(told).toEqual([{ kind: "lost", reason: "gone" }]);
    expect(outlet.read()).toBe("");
  });

  test("a template, with where a record came from", () => {
    const { follower, read } = follow({ format: "%group% %number% %%group%% %host%/%app% %msg%" });
    follower.message(batchFrame(12, [hello("one")]), NOW);
    expect(read()).toBe("log.mail 12 %group% web1/postfix/smtpd one\n");
  });
});

test("whatever comes in a message, the follower neither throws nor drives a terminal", () => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .tuple(
        fc.nat(20),
        fc.array(
          fc.oneof(
            fc.uint8Array({ minLength: 1, maxLength: 80 }),
            fc.string({ unit: "binary", minLength: 1 }).map(ownRecord),
          ),
          { maxLength: 4 },
        ),
      )
      .map(([first, records]) => batchFrame(first + 1, records).copyBody()),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(body, fc.constantFrom(0, 5424, 7)), { maxLength: 8 }),
      fc.constantFrom("short", "full", "traditional"),
      (messages, format) => {
        const { follower, read } = follow({
          format,
          choice: { fields: [{ name: "a.b", wants: "unequal", value: /x/ }] },
        });
        for (const [bytes, messageType] of messages) follower.message(frameOf(bytes, { messageType }), NOW);
        expect(
          read()
            .replaceAll("\n", "")
            .replaceAll("\t", format === "traditional" ? "" : "\t"),
        ).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      },
    ),
    cases(1_500),
  );
});
