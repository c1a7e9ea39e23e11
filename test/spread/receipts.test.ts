import { expect, test } from "bun:test";
import { Receipts } from "../../lib/spread/receipts.ts";

/** What became of promises by now. */
async function outcomes(promises: readonly Promise<void>[]): Promise<string[]> {
  const waiting = Promise.resolve("waits");
  return await Promise.all(
    promises.map((promise) =>
      Promise.race([
        promise.then(
          () => "sent",
          () => "failed",
        ),
        waiting.then(() => waiting).then(() => waiting),
      ]),
    ),
  );
}

test("one promise serves all frames between two writes", () => {
  const receipts = new Receipts();
  const first = receipts.of(1);
  expect(receipts.of(2)).toBe(first);
  receipts.settle(0);
  expect(receipts.of(3)).not.toBe(first);
});

test("a promise is kept when the last of its frames is sent, and not before", async () => {
  const receipts = new Receipts();
  const first = receipts.of(1);
  receipts.of(2);
  receipts.settle(1);
  const second = receipts.of(3);
  expect(await outcomes([first, second])).toEqual(["waits", "waits"]);
  receipts.settle(2);
  expect(await outcomes([first, second])).toEqual(["sent", "waits"]);
  receipts.settle(3);
  expect(await outcomes([second])).toEqual(["sent"]);
});

test("frames appended anew keep their promises, until the newest is sent", async () => {
  const receipts = new Receipts();
  const first = receipts.of(1);
  receipts.settle(0);
  const second = receipts.of(2);
  receipts.move(5);
  receipts.settle(4);
  expect(await outcomes([first, second])).toEqual(["waits", "waits"]);
  receipts.settle(5);
  expect(await outcomes([first, second])).toEqual(["sent", "sent"]);
});

test("what fails fails for all, and is no error of the process where nobody waits", async () => {
  const receipts = new Receipts();
  receipts.of(1); // nobody waits for this one
  receipts.settle(0);
  const second = receipts.of(2);
  receipts.fail(new Error("gone"));
  expect(await outcomes([second])).toEqual(["failed"]);
});
