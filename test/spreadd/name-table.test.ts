import { expect, test } from "bun:test";
import fc from "fast-check";
import { nameField } from "../../lib/spread/name-field.ts";
import { NameTable } from "../../lib/spreadd/name-table.ts";
import { cases } from "../support/fuzz.ts";

/** Few names, so that they are added and deleted again; with a seed that makes them collide or not. */
const name = fc.integer({ min: 0, max: 60 }).map((number) => `g${number}`);
const step = fc.oneof(fc.record({ do: fc.constant("add"), name }), fc.record({ do: fc.constant("delete"), name }));

test("a table holds what a Map would hold, whatever is added and deleted", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), fc.integer(), (steps, seed) => {
      const table = new NameTable<number>(seed);
      const model = new Map<string, number>();
      for (const [at, { do: action, name }] of steps.entries()) {
        const field = nameField(name);
        if (action === "delete") {
          table.delete(field);
          model.delete(name);
        } else if (!model.has(name)) {
          table.add(field, at);
          model.set(name, at);
        }
        expect(table.get(field, 0)).toBe(model.get(name));
      }
      expect(table.size).toBe(model.size);
      expect([...table.values()].sort((a, b) => a - b)).toEqual([...model.values()].sort((a, b) => a - b));
      for (const [name, value] of model) expect(table.get(nameField(name), 0)).toBe(value);
    }),
    cases(300),
  );
});

test("bytes behind the NUL do not count", () => {
  const table = new NameTable<string>(7);
  table.add(nameField("g1"), "found");
  const field = new Uint8Array(40).fill(0x5a);
  field.set([0x67, 0x31, 0], 4);
  expect(table.get(field, 4)).toBe("found");
});

test("a name of 32 bytes without NUL is none of those with fewer", () => {
  const table = new NameTable<string>(7);
  table.add(nameField("a".repeat(31)), "31");
  expect(table.get(new Uint8Array(32).fill(0x61), 0)).toBeUndefined();
});
