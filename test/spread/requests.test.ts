// Requests as bytes: those of the C library where it can say the same, and a limit's error where the real daemon would break.
import { describe, expect, test } from "bun:test";
import { FrameView, readRequest } from "../../lib/spread/frame.ts";
import { LimitError } from "../../lib/spread/limits.ts";
import { NameError, parseGroupName } from "../../lib/spread/names.ts";
import { Outbox } from "../../lib/spread/outbox.ts";
import { Requests } from "../../lib/spread/requests.ts";
import { SERVICE_TYPES, serviceBit } from "../../lib/spread/service.ts";
import { vectors } from "./vector.ts";

function begin(sender = "#alice#dmn1") {
  const outbox = new Outbox();
  const requests = new Requests(outbox);
  requests.sender = sender;
  const sent = () => {
    const pieces: Uint8Array[] = [];
    outbox.flush((bytes, at, length) => {
      pieces.push(bytes.slice(at, at + length));
      return length;
    });
    return Buffer.concat(pieces);
  };
  return { outbox, requests, sent };
}

/** All that the C library was recorded to send in little-endian order: name, groups and all. */
const recorded = vectors().flatMap(({ name, steps }) =>
  steps.flatMap((step) =>
    step.dir === "c2s" && step.parsed?.kind === "message" && step.volatile.length === 0
      ? [{ name, step, parsed: step.parsed }]
      : [],
  ),
);

test("joins, leaves and messages are those of the C library, to the byte", () => {
  let compared = 0;
  for (const { name, step, parsed } of recorded) {
    const { header, groups } = parsed;
    const bits = Number(header.type);
    const service = SERVICE_TYPES.find((type) => serviceBit(type) === (bits & ~0x40));
    const { requests, sent } = begin(header.private_group_name);
    if (header.endian === "big" || /^(bad|svc-raw|grp-raw|addr-multi-10|be-|end-)/.test(name)) continue;
    if (bits === 0x10000) requests.join(parseGroupName(groups[0]!));
    else if (bits === 0x20000) requests.leave(parseGroupName(groups[0]!));
    else if (service !== undefined && groups.length > 0)
      requests.message(groups as string[], step.bytes.slice(step.bytes.length - header.data_len), {
        service,
        messageType: header.mess_type,
        selfDiscard: (bits & 0x40) !== 0,
      });
    else continue;
    expect(sent().equals(step.bytes)).toBe(true);
    compared += 1;
  }
  expect(compared).toBeGreaterThan(80);
});

describe("a message", () => {
  test("is agreed, of type 0 and copied to the sender, unless said", () => {
    const { requests, sent } = begin();
    requests.message("g", "héllo");
    const bytes = sent();
    const view = new FrameView();
    expect(readRequest(bytes, 0, bytes.length, view)).toBe(bytes.length);
    expect([view.service, view.messageType, view.groups(), Buffer.from(view.body()).toString()]).toEqual([
      0x10,
      0,
      ["g"],
      "héllo",
    ]);
  });

  test("of several pieces is sent as one body, large pieces without a copy", () => {
    const { outbox, requests } = begin();
    const large = new Uint8Array(50_000).fill(2);
    requests.message("g", [Uint8Array.of(1, 1), large, Uint8Array.of(3)]);
    const offered: Uint8Array[] = [];
    const bytes: number[] = [];
    outbox.flush((some, at, length) => {
      offered.push(some);
      bytes.push(...some.subarray(at, at + length));
      return length;
    });
    expect(offered).toContain(large);
    const view = new FrameView();
    expect(readRequest(Uint8Array.from(bytes), 0, bytes.length, view)).toBe(bytes.length);
    expect(view.copyBody()).toEqual(Uint8Array.of(1, 1, ...large, 3));
  });

  for (const [what, run, found] of [
    ["no group", (r: Requests) => r.message([], "x"), 0],
    ["44 groups, which a real daemon delivers to nobody", (r: Requests) => r.message(Array(44).fill("g"), "x"), 44],
    ["a byte more than a real daemon survives", (r: Requests) => r.message("g", new Uint8Array(143_152 - 32)), 143_152],
    ["that in pieces", (r: Requests) => r.message("g", [new Uint8Array(143_151 - 32), new Uint8Array(1)]), 143_152],
    [
      "that with 43 groups",
      (r: Requests) => r.message(Array(43).fill("g"), new Uint8Array(143_152 - 43 * 32)),
      143_152,
    ],
    ["a message type above 16 bits", (r: Requests) => r.message("g", "x", { messageType: 0x8000 }), 0x8000],
    ["a message type that is no whole number", (r: Requests) => r.message("g", "x", { messageType: 1.5 }), 1.5],
  ] as const)
    test(`with ${what} breaks a limit, and nothing is sent`, () => {
      const { outbox, requests } = begin();
      let error: unknown;
      try {
        run(requests);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(LimitError);
      expect((error as LimitError).found).toBe(found);
      expect([outbox.bytes, outbox.frames]).toEqual([0, 0]);
    });

  test("to a name that is none is refused, and nothing is sent", () => {
    const { outbox, requests } = begin();
    for (const wrong of ["", "a b", "#a", "x".repeat(32)]) {
      expect(() => requests.message(wrong, "x")).toThrow(NameError);
      expect(() => requests.message(["g", wrong], "x")).toThrow(NameError);
    }
    expect(outbox.bytes).toBe(0);
  });

  test("may be of the largest size that is safe, to 43 groups", () => {
    const { requests, sent } = begin();
    const groups = Array.from({ length: 43 }, (_, index) => `g${index}`);
    requests.message(groups, new Uint8Array(143_151 - 43 * 32));
    expect(sent().length).toBe(48 + 143_151);
  });
});

test("ten thousand different destinations are known, and not all of them kept", () => {
  const { requests, sent } = begin();
  for (let index = 0; index < 10_000; index++) {
    requests.message(`g${index}`, "");
    if (index % 100 === 0) sent();
  }
  expect(sent().subarray(48, 54).toString()).toBe("g9901\0");
});
