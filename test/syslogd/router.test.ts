import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Outlet } from "../../lib/sink/sink.ts";
import { NameList } from "../../lib/syslog/name-list.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../lib/syslog/parse-rules.ts";
import { RecordView } from "../../lib/syslog/record.ts";
import { matches, type Rule, rule } from "../../lib/syslog/rule.ts";
import { parseSelector } from "../../lib/syslog/selector.ts";
import { Router } from "../../lib/syslogd/router.ts";
import { cases } from "../support/fuzz.ts";

class Named implements Outlet {
  taken = 0;

  constructor(readonly name: string) {}

  take(): void {
    this.taken += 1;
  }
}

function record(text: string): RecordView {
  const view = new RecordView();
  const bytes = new TextEncoder().encode(text);
  parseMessage(view, bytes, 0, bytes.length, LOCAL_RULES);
  return view;
}

const all = new Named("all");
const mail = new Named("mail");
const rest = new Named("rest");

describe("a record goes", () => {
  for (const { name, rules, message, to } of [
    {
      name: "to every outlet whose rule takes it",
      rules: [
        [rule(parseSelector("*.*")), all],
        [rule(parseSelector("mail.*")), mail],
      ],
      message: "<22>x",
      to: [all, mail],
    },
    { name: "nowhere where none does", rules: [[rule(parseSelector("mail.*")), mail]], message: "<14>x", to: [] },
    {
      name: "once to an outlet that two rules name",
      rules: [
        [rule(parseSelector("*.*")), all],
        [rule(parseSelector("mail.*")), all],
      ],
      message: "<22>x",
      to: [all],
    },
    {
      name: "no further than a rule that stops",
      rules: [
        [rule(parseSelector("mail.*"), { stop: true }), mail],
        [rule(parseSelector("*.*")), rest],
      ],
      message: "<22>x",
      to: [mail],
    },
    {
      name: "past a stopping rule that does not take it",
      rules: [
        [rule(parseSelector("mail.err"), { stop: true }), mail],
        [rule(parseSelector("*.*")), rest],
      ],
      message: "<22>x",
      to: [rest],
    },
    {
      name: "by its program where a rule asks for one",
      rules: [
        [program("sshd"), mail],
        [program("cron"), rest],
      ],
      message: "<38>sshd[1]: x",
      to: [mail],
    },
    {
      name: "no further than a rule for its program that stops",
      rules: [
        [program("sshd", true), mail],
        [rule(parseSelector("*.*")), rest],
      ],
      message: "<38>sshd[1]: x",
      to: [mail],
    },
    {
      name: "on where the program is another",
      rules: [
        [program("sshd", true), mail],
        [rule(parseSelector("*.*")), rest],
      ],
      message: "<38>cron[1]: x",
      to: [rest],
    },
  ] as readonly { name: string; rules: readonly (readonly [Rule, Named])[]; message: string; to: readonly Named[] }[])
    test(name, () => {
      const router = new Router(rules.map(([one, outlet]) => ({ rule: one, outlet })));
      expect(router.outlets(record(message))).toEqual(to);
    });

  test("as often as the router says", () => {
    const outlet = new Named("one");
    const router = new Router([{ rule: rule(parseSelector("mail.*")), outlet }]);
    expect([router.route(record("<22>x")), router.route(record("<14>x")), outlet.taken]).toEqual([1, 0, 1]);
  });
});

function program(name: string, stop = false): Rule {
  return rule(parseSelector("*.*"), { program: new NameList([name], false, false), stop });
}

test("whatever the rules, a record goes where trying each in turn would send it", () => {
  const selectors = ["*.*", "*.err", "mail.*", "kern,user.info", "*.info;mail.none", "mail.=info"];
  const anyRule = fc.record({
    selector: fc.constantFrom(...selectors),
    program: fc.option(fc.constantFrom("sshd", "cron"), { nil: undefined }),
    stop: fc.boolean(),
    outlet: fc.nat(3),
  });
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 8 }),
      fc.nat(191),
      fc.constantFrom("sshd", "cron", "app"),
      (rules, pri, app) => {
        const outlets = Array.from({ length: 4 }, (_, at) => new Named(`${at}`));
        const routes = rules.map((one) => ({
          rule: rule(parseSelector(one.selector), {
            program: one.program === undefined ? undefined : new NameList([one.program], false, false),
            stop: one.stop,
          }),
          outlet: outlets[one.outlet]!,
        }));
        const view = record(`<${pri}>${app}: x`);
        const expected = new Set<Named>();
        for (const route of routes) {
          if (!matches(route.rule, view)) continue;
          expected.add(route.outlet);
          if (route.rule.stop) break;
        }
        expect(new Router(routes).outlets(view) as readonly Named[]).toEqual([...expected]);
      },
    ),
    cases(2_000),
  );
});
