// Where spreadd answers better than the real daemon did in a recording (better-answers.ts), and what it answers. Over a real socket.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { vectors } from "../spread/vector.ts";
import { WAIT_MS } from "../support/child.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { BETTER_ANSWERS } from "./better-answers.ts";
import { connectRequest, frame, message, methodChoice } from "./frames.ts";
import { RawClient, type RunningDaemon, startDaemon } from "./running-daemon.ts";

let daemon: RunningDaemon;
beforeAll(async () => {
  daemon = await startDaemon();
});
afterAll(() => daemon[Symbol.asyncDispose]());

/** What the client of a recording sent, step by step. */
const sentIn = (name: string) =>
  vectors()
    .find((vector) => vector.name === name)!
    .steps.filter(({ dir, event }) => dir === "c2s" && event === undefined)
    .map(({ bytes }) => bytes);

test("hs-split-fixed: a connect request in two pieces, 300 ms apart, is accepted", async () => {
  const connection = await RawConnection.connect(daemon.unix, WAIT_MS);
  await connection.write(sentIn("hs-split-fixed")[0]!);
  await Bun.sleep(300); // what the recording is about
  await connection.write(connectRequest("alice").subarray(3));
  await connection.read(6);
  await connection.write(methodChoice("NULL").subarray(0, 50));
  await connection.write(methodChoice("NULL").subarray(50));
  expect([...(await connection.read(16))].slice(0, 5)).toEqual([1, 5, 0, 1, 11]);
  connection.destroy();
});

test("hs-pipelined-5: the choice of methods in the same write as the connect request is taken", async () => {
  const connection = await RawConnection.connect(daemon.unix, WAIT_MS);
  const [everything] = sentIn("hs-pipelined-5");
  await connection.write(everything!);
  await connection.read(6);
  expect(new TextDecoder().decode(await connection.read(16))).toEndWith("#alice#dmn1");
  connection.destroy();
});

test("addr-multi-100: a message to 100 groups reaches one who is in the last of them", async () => {
  const [alice, bob] = [await RawClient.connect(daemon.unix, "alice"), await RawClient.connect(daemon.unix, "bob")];
  await bob.join("g099");
  const groups = Array.from({ length: 100 }, (_, at) => `g${`${at}`.padStart(3, "0")}`);
  await alice.send(message(alice.name, groups, "everywhere"));
  const got = await bob.next();
  expect([got.kind, got.groups, got.body]).toEqual(["message", groups, "everywhere"]);
  alice.close();
  bob.close();
});

describe("a message with a bit that no client may set ends the session, and reaches nobody:", () => {
  const forged = [...BETTER_ANSWERS.keys()].filter((name) => name.startsWith("svc-raw-extra-"));
  test("there are such recordings", () => expect(forged.length).toBe(7));
  for (const name of forged)
    test(name, async () => {
      const [alice, bob] = [await RawClient.connect(daemon.unix, "alice"), await RawClient.connect(daemon.unix, "bob")];
      const service = Number.parseInt(name.slice("svc-raw-extra-".length), 16);
      await alice.send(frame({ service, sender: alice.name, groups: [bob.name, alice.name] }));
      await alice.connection.ended();
      expect(alice.connection.unread).toBe(0);
      await bob.send(message(bob.name, [bob.name], "next"));
      expect(await bob.told()).toEqual([`message from ${bob.name} to ${bob.name}: next`]);
      alice.close();
      bob.close();
      await daemon.until(({ sessions }) => sessions === 0);
    });
});
