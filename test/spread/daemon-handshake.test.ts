// The daemon's state machine plays every recorded handshake: fed with what the client sent, in pieces of any size, it must answer as the real
// daemon did; but where PROTOCOL.md asks for better (3.1, 3.3): what comes in pieces, or with more behind it, is no mistake here.
import { describe, expect, test } from "bun:test";
import { DaemonHandshake } from "../../lib/spread/daemon-handshake.ts";
import { writeReject } from "../../lib/spread/handshake.ts";
import type { PrivateGroup } from "../../lib/spread/names.ts";
import { type Step, vectors } from "./vector.ts";

/** The real daemon gives up on these, where ours waits for the rest or leaves what comes behind in place. */
const MORE_PATIENT = new Set([
  "hs-pipelined-5",
  "hs-short-1",
  "hs-short-2",
  "hs-short-4",
  "hs-short-noname",
  "hs-split-fixed",
  "hs-silent",
]);

for (const vector of vectors().filter(({ name }) => !MORE_PATIENT.has(name) && !name.startsWith("v4-")))
  test(`${vector.name}: in pieces of any size, the answers are those of the real daemon`, () => {
    for (const label of new Set(vector.steps.map((step) => step.conn))) {
      const own = vector.steps.filter((step) => step.conn === label && step.parsed !== undefined);
      if (own[0]?.dir !== "c2s") continue; // refused before it sent a byte (hs-quota)
      const expected = own.filter((step) => step.dir === "s2c" && isHandshake(step));
      const sent = Buffer.concat(own.filter((step) => step.dir === "c2s").map((step) => step.bytes));
      for (const pieceBytes of [1, 7, 1_000])
        expect(Buffer.concat(play(sent, pieceBytes, expected))).toEqual(
          Buffer.concat(expected.map((step) => step.bytes)),
        );
    }
  });

describe("more patient than the real daemon", () => {
  for (const [name, bytes, at] of [
    ["one byte", [5], "request"],
    ["a name announced and missing", [5, 0, 1, 1, 5], "request"],
    ["a name in part", [5, 0, 1, 1, 5, 0x61], "request"],
    ["a whole request", [5, 0, 1, 1, 1, 0x61], "requested"],
    ["a request without a name", [5, 0, 1, 1, 0], "requested"],
  ] as const)
    test(`${name}: ${at}`, () => {
      const handshake = new DaemonHandshake();
      expect(handshake.take(Uint8Array.from(bytes), 0, bytes.length)).toBe(bytes.length);
      expect(handshake.state.at).toBe(at);
    });

  test("but a length that no name has is refused before the name is waited for", () => {
    const handshake = new DaemonHandshake();
    expect(handshake.take(Uint8Array.of(5, 0, 1, 1, 11), 0, 5)).toBe(5);
    expect(handshake.state).toEqual({ at: "refused", reason: "illegal-name" });
  });

  test("what a client pipelines behind its request stays in place", () => {
    const handshake = new DaemonHandshake();
    const stream = new Uint8Array(6 + 90 + 3);
    stream.set([5, 0, 1, 1, 1, 0x61]);
    stream.set(Buffer.from("NULL"), 6);
    expect(handshake.take(stream, 0, stream.length)).toBe(6);
    expect(handshake.take(stream, 6, stream.length)).toBe(0); // nothing is taken before the daemon has decided
    handshake.offer(["NULL"]);
    expect(handshake.take(stream, 6, stream.length)).toBe(90);
    expect(handshake.state).toMatchObject({ at: "chosen", methods: ["NULL"] });
  });

  test("three methods fill the block to its end", () => {
    const handshake = new DaemonHandshake();
    handshake.take(Uint8Array.of(5, 0, 1, 1, 0), 0, 5);
    handshake.offer(["NULL"]);
    const choice = new Uint8Array(90).fill(0x61);
    handshake.take(choice, 0, 90);
    expect(handshake.state).toMatchObject({ at: "chosen", methods: ["a".repeat(30), "a".repeat(30), "a".repeat(30)] });
  });
});

function isHandshake(step: Step): boolean {
  const kind = step.parsed?.kind;
  return kind === "auth-list" || kind === "accept" || kind === "reject";
}

/** Plays a daemon that decides as the recorded one did. */
function play(sent: Uint8Array, pieceBytes: number, expected: readonly Step[]): Uint8Array[] {
  const handshake = new DaemonHandshake();
  const answers: Uint8Array[] = [];
  const decisions = [...expected];
  for (let at = 0; at < sent.length; ) {
    const end = Math.min(at + pieceBytes, sent.length);
    let taken = -1;
    while (taken !== 0) {
      taken = handshake.take(sent, at, end);
      at += taken;
      const { state } = handshake;
      if (state.at === "refused") return [...answers, writeReject(state.reason)];
      if (state.at === "accepted") return answers;
      if (state.at !== "requested" && state.at !== "chosen") continue;
      const decision = decisions.shift()?.parsed;
      if (decision?.kind === "auth-list") answers.push(handshake.offer(decision.list.trim().split(" ")));
      else if (decision?.kind === "accept") {
        const [major, minor, patch] = decision.version;
        // a daemon knows its patch level; whether the client is told it, the handshake decides
        answers.push(
          handshake.accept({ major: major!, minor: minor!, patch: patch ?? 1 }, decision.private_group as PrivateGroup),
        );
      } else if (decision?.kind === "reject") return [...answers, Uint8Array.of(decision.code & 0xff)];
      else return answers; // the recording ends here
      taken = -1;
    }
  }
  // what a daemon says when the client falls silent or leaves
  return [
    ...answers,
    ...decisions.flatMap(({ parsed }) => (parsed?.kind === "reject" ? [Uint8Array.of(parsed.code & 0xff)] : [])),
  ];
}
