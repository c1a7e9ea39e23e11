// Who may be away without a lease since a maintenance: what each host keeps on disk of it, and what a table says.
import { expect, test } from "bun:test";
import { CoverTable } from "../../lib/mole/cover-table.ts";
import { deliver } from "../../lib/mole/deliver.ts";
import { ANYBODY } from "../../lib/mole/member.ts";
import { mayBeUnreturned } from "../../lib/mole/unreturned.ts";
import { settled } from "./looked-at.ts";

/** A's table, to be changed, and its own member. */
function known() {
  const { a } = settled("safe");
  const { table, member } = a.machine!.session!;
  return { table: CoverTable.from(table!.snapshot(), table!.rules), member };
}

test("from the beginning of a maintenance on, until a table names all who may hold anything and keeps none", () => {
  const { table } = known();
  expect(mayBeUnreturned(table, false)).toBe(false);
  table.maintenance = { counter: 1, on: true };
  expect(mayBeUnreturned(table, false)).toBe(true);
  table.maintenance = { counter: 2, on: false };
  expect(mayBeUnreturned(table, true)).toBe(false);
  table.wait({ name: "gone", why: "kept", identity: undefined }, true);
  expect(mayBeUnreturned(table, true)).toBe(true);
  table.waited.clear();
  table.knowledge = false;
  expect(mayBeUnreturned(table, true)).toBe(true);
  expect(mayBeUnreturned(table, false)).toBe(false);
});

test("who is waited for by the clock, and can't be named, is waited for without an end where a member tells of it", () => {
  const { table, member } = known();
  deliver(table, member, { kind: "unreturned" });
  expect(table.waited.size).toBe(0); // it names all
  table.suspectAnybody();
  deliver(table, "stranger", { kind: "unreturned" });
  expect(table.waited.get(ANYBODY)?.why).toBe("departed");
  deliver(table, member, { kind: "unreturned" });
  expect(table.waited.get(ANYBODY)?.why).toBe("kept");
});
