import { expect, test } from "bun:test";
import { define, definitionsInForce } from "../../lib/mole/definition.ts";

const web = define({ name: "web", addresses: ["192.0.2.1"] });
const heavy = define({ name: "web", addresses: ["192.0.2.1"], weight: 5 });
const moved = define({ name: "web", addresses: ["192.0.2.2"] });
const renamed = define({ name: "www", addresses: ["192.0.2.1", "192.0.2.9"] });
const mail = define({ name: "mail", addresses: ["192.0.2.3"] });
const none = new Set<string>();
const namesOf = (inForce: ReturnType<typeof definitionsInForce>) => inForce.map(({ digest }) => digest);

test("the same text is the same definition everywhere; another weight is another definition of the same addresses", () => {
  expect(define({ name: "web", addresses: ["192.0.2.1"] })).toEqual(web);
  expect(heavy.digest).not.toBe(web.digest);
  expect(heavy.id).toBe(web.id);
  expect(moved.id).not.toBe(web.id);
  expect(define({ name: "web", addresses: ["192.0.2.1"], placement: "eth1" }).id).not.toBe(web.id);
});

for (const { claim, told, before, inForce } of [
  {
    claim: "what all define",
    told: [
      [web, mail],
      [web, mail],
    ],
    before: none,
    inForce: [mail, web],
  },
  { claim: "what most define", told: [[web], [heavy], [heavy]], before: none, inForce: [heavy] },
  {
    claim: "what is in force, while no other has more",
    told: [[web], [heavy]],
    before: new Set([heavy.digest]),
    inForce: [heavy],
  },
  {
    claim: "another that has more, whatever was in force",
    told: [[web], [heavy], [web]],
    before: new Set([heavy.digest]),
    inForce: [web],
  },
  { claim: "one of two names that share an address", told: [[web], [renamed], [web]], before: none, inForce: [web] },
  {
    claim: "the new name once it has more",
    told: [[renamed], [renamed], [web]],
    before: new Set([web.digest]),
    inForce: [renamed],
  },
  { claim: "nothing that nobody defines", told: [[], []], before: new Set([web.digest]), inForce: [] },
])
  test(`in force is ${claim}`, () =>
    expect(namesOf(definitionsInForce(told, before))).toEqual(inForce.map(({ digest }) => digest)));

test("with none in force and equal votes the lower digest counts, in whatever order it is told", () => {
  const lower = web.digest < heavy.digest ? web : heavy;
  expect(definitionsInForce([[web], [heavy]], none)).toEqual([lower]);
  expect(definitionsInForce([[heavy], [web]], none)).toEqual([lower]);
});
