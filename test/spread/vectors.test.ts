// Every byte that was recorded between real programs, read and written again: each step must be decoded as the recording says, whole, byte by
// byte and with bytes behind it, and what was decoded must be written as the same bytes.
import { describe, expect, test } from "bun:test";
import { type AuthMethod, type AuthTurn, passwordMethod } from "../../lib/spread/auth-method.ts";
import {
  FrameError,
  type FrameField,
  FrameView,
  frameBytes,
  readFrame,
  readRequest,
  writeHeader,
} from "../../lib/spread/frame.ts";
import {
  priorityOf,
  readAcceptance,
  readConnectRequest,
  readMethodChoice,
  readMethodList,
  wantsMembership,
  writeAcceptance,
  writeConnectRequest,
  writeMethodChoice,
  writeMethodList,
  writeReject,
} from "../../lib/spread/handshake.ts";
import {
  readSelfLeave,
  readTransition,
  readView,
  type View,
  viewSize,
  writeSelfLeave,
  writeTransition,
  writeView,
} from "../../lib/spread/membership.ts";
import { nameField, writeName } from "../../lib/spread/name-field.ts";
import { isPrivateName, type PrivateGroup, type PrivateName } from "../../lib/spread/names.ts";
import { RejectError, tryRejectReason } from "../../lib/spread/result-code.ts";
import { flagNames } from "../../lib/spread/service.ts";
import { masked, type Parsed, type ParsedGroupId, type Step, type Vector, vectors } from "./vector.ts";

for (const vector of vectors()) {
  test(`${vector.name}: every step is read and written as recorded`, () => {
    for (const step of vector.steps) checkStep(vector, step);
  });
}

test("the recordings hold every kind of step", () => {
  const kinds = new Set<string | undefined>(
    vectors().flatMap((vector) => vector.steps.map((step) => step.parsed?.kind)),
  );
  expect(kinds.size).toBe(11); // ten kinds, and steps without bytes
});

for (const vector of vectors().filter(({ name }) => name.startsWith("hs-flags-")))
  test(`${vector.name}: membership is wanted exactly where the real daemon sent a view`, () => {
    const sent = vector.steps.some((step) => step.parsed?.kind === "message" && step.parsed.membership !== undefined);
    const [request] = vector.steps.flatMap(({ parsed }) => (parsed?.kind === "connect-request" ? [parsed] : []));
    expect(wantsMembership(request!.flags_byte)).toBe(sent);
  });

describe("what a daemon must refuse", () => {
  for (const [name, field] of [
    ["bad-hint-low", "hint"],
    ["bad-neg-groups", "groups"],
    ["bad-big-len", "size"],
    ["addr-multi-101", "groups"],
    ["svc-raw-type-000000", "type"],
    ["svc-raw-type-000003", "type"],
    ["svc-raw-type-000040", "type"],
    ["svc-raw-type-001000", "type"],
    ["svc-raw-type-010004", "type"],
    ["svc-two-bits", "type"],
  ] as const)
    test(`${name}: the ${field} is wrong`, () => {
      const requests = vectors()
        .find((vector) => vector.name === name)!
        .steps.filter((step) => step.dir === "c2s" && step.bytes.length >= 48 && step.parsed?.kind !== "auth-choice");
      const errors = requests.map((step) =>
        errorOf(() => readRequest(step.bytes, 0, step.bytes.length, new FrameView())),
      );
      expect(errors.filter((error) => error !== undefined).map((error) => (error as FrameError).field)).toEqual([
        field,
      ]);
    });
});

function checkStep(vector: Vector, step: Step): void {
  const { parsed, bytes } = step;
  switch (parsed?.kind) {
    case "connect-request":
      checkConnectRequest(parsed, bytes);
      break;
    case "auth-list":
      checkUnit(readMethodList, writeMethodList, parsed.list.trim().split(" "), bytes);
      break;
    case "auth-choice":
      checkUnit(readMethodChoice, writeMethodChoice, parsed.methods, bytes);
      break;
    case "pword-credentials":
      expect(firstTurn(passwordMethod(parsed.username, parsed.password))).toEqual({ send: bytes, answerBytes: 1 });
      break;
    case "pword-response":
      expect(bytes).toEqual(Uint8Array.of(parsed.value));
      break;
    case "accept":
      checkAcceptance(parsed, bytes);
      break;
    case "reject":
      checkReject(parsed, bytes);
      break;
    case "message":
      if (step.dir === "s2c") checkFrame(parsed, step);
      else checkRequest(vector, parsed, step);
      break;
    case "incomplete-or-illegal-message":
      checkNoRequest(bytes);
      break;
    default: // no bytes; or "raw", for which see daemon-handshake.test.ts
  }
}

/** A unit of the handshake: read whole, read only when whole, read with bytes behind it, and written. */
function checkUnit<T>(
  read: (bytes: Uint8Array, at: number, end: number) => object | undefined,
  write: (value: T) => Uint8Array,
  value: T,
  bytes: Uint8Array,
): void {
  expect(read(bytes, 0, bytes.length)).toEqual({ value, bytes: bytes.length });
  for (let end = 0; end < bytes.length; end++) expect(read(bytes, 0, end)).toBeUndefined();
  const surrounded = Uint8Array.of(0xaa, ...bytes, ...bytes);
  expect(read(surrounded, 1, surrounded.length)).toEqual({ value, bytes: bytes.length });
  expect(write(value)).toEqual(bytes);
}

function firstTurn(method: AuthMethod): AuthTurn | undefined {
  const turn = method.exchange().next();
  return turn.done === true ? undefined : turn.value;
}

function checkAcceptance(parsed: Parsed & { kind: "accept" }, bytes: Uint8Array): void {
  const [major, minor, patch] = parsed.version;
  const acceptance = {
    version: { major: major!, minor: minor!, patch },
    privateGroup: parsed.private_group as PrivateGroup,
  };
  const read = (some: Uint8Array, at: number, end: number) => readAcceptance(some, at, end, patch !== undefined);
  checkUnit(read, writeAcceptance, acceptance, bytes);
}

function checkReject(parsed: Parsed & { kind: "reject" }, bytes: Uint8Array): void {
  const reason = tryRejectReason(parsed.code)!;
  const reject = new RejectError(reason, parsed.code);
  expect(readMethodList(bytes, 0, bytes.length)).toEqual({ reject });
  expect(readAcceptance(bytes, 0, bytes.length)).toEqual({ reject });
  expect(writeReject(reason)).toEqual(bytes);
}

/** Bytes that the recorder's own decoder could make nothing of. */
function checkNoRequest(bytes: Uint8Array): void {
  let taken = 0;
  const error = errorOf(() => {
    taken = readRequest(bytes, 0, bytes.length, new FrameView());
  });
  expect(taken).toBe(0);
  expect(error === undefined || error instanceof FrameError).toBe(true);
}

function checkConnectRequest(parsed: Parsed & { kind: "connect-request" }, bytes: Uint8Array): void {
  const [major, minor, patch] = parsed.version;
  const name = parsed.name === "" ? undefined : (parsed.name as PrivateName);
  const request = { version: { major: major!, minor: minor!, patch }, flags: parsed.flags_byte, name };
  expect(writeConnectRequest(request)).toEqual(bytes);
  if (name !== undefined && !isPrivateName(parsed.name)) {
    expect(readConnectRequest(bytes, 0, bytes.length)).toEqual({ refuse: "illegal-name" });
    return;
  }
  checkUnit(readConnectRequest, writeConnectRequest, request, bytes);
  expect(parsed.flags_byte % 2 === 1).toBe(parsed.wants_membership); // the recorder did not know that the byte is signed
  expect(priorityOf(parsed.flags_byte)).toBe(parsed.priority);
}

type Reader = typeof readFrame;

function checkFrame(parsed: Parsed & { kind: "message" }, step: Step): void {
  const view = readEveryWay(readFrame, step.bytes);
  checkHeader(parsed, view);
  expect(rewritten(view, step)).toEqual(masked(step));
  checkMembership(parsed, view, step);
}

function checkRequest(vector: Vector, parsed: Parsed & { kind: "message" }, step: Step): void {
  const wrong = wrongField(parsed, step.bytes);
  if (wrong === undefined) {
    const view = readEveryWay(readRequest, step.bytes);
    checkHeader(parsed, view);
    expect(rewritten(view, step)).toEqual(masked(step));
    return;
  }
  const error = errorOf(() => readRequest(step.bytes, 0, step.bytes.length, new FrameView()));
  if (!(error instanceof FrameError)) throw new Error(`${vector.name}: ${wrong} was let through: ${error}`);
  expect(error.field).toBe(wrong);
}

/** Section 10 once more, from the recording's own decoding. */
function wrongField(parsed: Parsed & { kind: "message" }, bytes: Uint8Array): FrameField | undefined {
  const { type, num_groups, data_len } = parsed.header;
  const requestBits = (Number(type) & 0x7003f).toString(2).split("1").length - 1;
  if (requestBits !== 1) return "type";
  if (num_groups < 0 || num_groups > 100) return "groups";
  if ((bytes[40]! & 0x7f) !== 0 || (bytes[43]! & 0x7f) !== 0) return "hint";
  if (data_len < 0 || data_len > 144_000) return "length";
  return data_len + 32 * num_groups > 143_952 ? "size" : undefined;
}

function readEveryWay(read: Reader, bytes: Uint8Array): FrameView {
  const view = new FrameView();
  for (let end = 0; end < bytes.length; end++) if (read(bytes, 0, end, view) !== 0) throw new Error(`taken at ${end}`);
  if (bytes.length > 48) expect(frameBytes(bytes, 0, bytes.length - 1)).toBe(bytes.length);
  const surrounded = new Uint8Array(2 * bytes.length + 1);
  surrounded.set(bytes, 1);
  surrounded.set(bytes, 1 + bytes.length);
  expect(read(surrounded, 1, surrounded.length, view)).toBe(bytes.length);
  expect(read(surrounded, 1 + bytes.length, surrounded.length, view)).toBe(bytes.length);
  expect(read(bytes, 0, bytes.length, view)).toBe(bytes.length);
  expect(view.bodyEnd).toBe(bytes.length);
  return view;
}

function checkHeader({ header, groups }: Parsed & { kind: "message" }, view: FrameView): void {
  expect(view.service).toBe(Number(header.type));
  expect(flagNames(view.service)).toEqual([...header.type_flags]);
  expect(view.littleEndian).toBe(header.endian === "little");
  expect(view.name).toBe(header.private_group_name);
  expect(view.groupCount).toBe(header.num_groups);
  expect(view.hintLittleEndian).toBe(header.hint_endian === "little");
  expect(view.messageType).toBe(header.mess_type);
  expect(view.body().length).toBe(header.data_len);
  expect(view.groups()).toEqual([...groups]);
}

/** The frame written anew from what was read of it. */
function rewritten(view: FrameView, step: Step): Uint8Array {
  const bytes = new Uint8Array(step.bytes.length);
  const body = view.copyBody();
  const order = { littleEndian: view.littleEndian, hintLittleEndian: view.hintLittleEndian };
  let at = writeHeader(
    bytes,
    0,
    view.service,
    nameField(view.name),
    view.groupCount,
    view.messageType,
    body.length,
    order,
  );
  for (const group of view.groups()) at = writeName(bytes, at, group);
  bytes.set(body, at);
  // bytes behind a name's NUL are passed on by daemons and lost by a reader: the recording's own stand in for them
  for (let field = 0; field < view.groupCount + 1; field++) {
    const start = field === 0 ? 4 : 48 + 32 * (field - 1);
    const nul = step.bytes.indexOf(0, start);
    if (nul >= start && nul < start + 32) bytes.set(step.bytes.subarray(nul, start + 32), nul);
  }
  return masked(step, bytes);
}

function checkMembership({ membership, groups }: Parsed & { kind: "message" }, view: FrameView, step: Step): void {
  const order = { littleEndian: view.littleEndian, hintLittleEndian: view.hintLittleEndian };
  const bytes = new Uint8Array(step.bytes.length);
  switch (membership?.kind) {
    case "regular": {
      const { group, group_id, vs_sets, my_vs_set_index } = membership;
      const read = readView(view);
      const expected: View = {
        kind: "view",
        group,
        id: groupId(group_id),
        cause: read.cause, // checked below: it is written as the same bits
        members: groups as readonly PrivateGroup[],
        sets: vs_sets as readonly (readonly PrivateGroup[])[],
        ownSet: my_vs_set_index,
      };
      expect(read).toEqual(expected);
      expect(viewSize(read)).toBe(bytes.length);
      expect(writeView(bytes, 0, read, order)).toBe(bytes.length);
      break;
    }
    case "transitional": {
      const id = groupId(membership.group_id);
      expect(readTransition(view)).toEqual({ kind: "transition", group: membership.group, id });
      expect(writeTransition(bytes, 0, membership.group, id, order)).toBe(bytes.length);
      break;
    }
    case "self-leave":
      expect(readSelfLeave(view)).toEqual({ kind: "selfLeave", group: membership.group });
      expect(writeSelfLeave(bytes, 0, membership.group, order)).toBe(bytes.length);
      break;
    default: // data, and what its sender forged to look like a membership
      expect(view.kind).toBe("message");
      return;
  }
  expect(bytes).toEqual(step.bytes);
}

function groupId({ proc_id, time, index }: ParsedGroupId) {
  return { daemonId: proc_id, time, index };
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
