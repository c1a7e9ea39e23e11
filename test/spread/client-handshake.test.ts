// The client's state machine plays every recorded handshake: fed with what the daemon sent, it must send what the real client sent.
import { describe, expect, test } from "bun:test";
import { type AuthMethod, IP_METHOD, NULL_METHOD, passwordMethod } from "../../lib/spread/auth-method.ts";
import { ClientHandshake, type ClientHandshakeOptions, MethodError } from "../../lib/spread/client-handshake.ts";
import { HandshakeError } from "../../lib/spread/handshake.ts";
import { LimitError } from "../../lib/spread/limits.ts";
import { isPrivateName, type PrivateName, parsePrivateName } from "../../lib/spread/names.ts";
import { RejectError } from "../../lib/spread/result-code.ts";
import { type Parsed, type Step, vectors } from "./vector.ts";

const HANDSHAKE = new Set(["auth-list", "auth-choice", "pword-credentials", "pword-response", "accept", "reject"]);

let played = 0;
for (const vector of vectors()) {
  for (const { label, request, steps } of recordedHandshakes(vector.steps)) {
    played += 1;
    test(`${vector.name}, session ${label}: sends what the C library sent`, () => {
      const handshake = new ClientHandshake(optionsOf(request, steps));
      const sent: Uint8Array[] = [handshake.request];
      const received = concat(steps.filter((step) => step.dir === "s2c"));
      const error = errorOf(() => {
        // one byte at a time, with a frame's first byte behind the last
        for (const byte of [...received, 0x80]) handshake.take(Uint8Array.of(byte), 0, 1, (bytes) => sent.push(bytes));
      });
      const reject = steps.find((step) => step.parsed?.kind === "reject")?.parsed as { code: number } | undefined;
      expect(error instanceof RejectError ? error.number : error).toBe(reject?.code);
      const accept = steps.find((step) => step.parsed?.kind === "accept")?.parsed as
        | { private_group: string }
        | undefined;
      expect(handshake.acceptance?.privateGroup as string | undefined).toBe(accept?.private_group);
      expect(Buffer.concat(sent).toString("hex")).toBe(
        Buffer.concat([
          stepOf(vector.steps, request),
          ...steps.filter((step) => step.dir === "c2s").map((step) => step.bytes),
        ]).toString("hex"),
      );
    });
  }
}

test("a good part of the recorded handshakes was played", () => {
  expect(played).toBeGreaterThan(100);
});

describe("what a client does on its own", () => {
  test("frames that come with the acceptance are left alone", () => {
    const handshake = begin();
    const stream = Uint8Array.of(5, ...ascii("NULL "), 1, 5, 0, 1, 6, ...ascii("#a#dmn"), 0x80, 0x11);
    expect(handshake.take(stream, 0, stream.length, () => {})).toBe(stream.length - 2);
    expect(handshake.acceptance).toEqual({
      version: { major: 5, minor: 0, patch: 1 },
      privateGroup: "#a#dmn" as never,
    });
    expect(handshake.take(stream, 0, stream.length, () => {})).toBe(0);
  });

  test("a method that the daemon does not offer ends it before anything is chosen", () => {
    const sent: Uint8Array[] = [];
    const handshake = begin({ methods: [NULL_METHOD, IP_METHOD] });
    const error = errorOf(() => feed(handshake, Uint8Array.of(5, ...ascii("NULL ")), sent));
    expect(error).toBeInstanceOf(MethodError);
    expect(String(error)).toContain("cannot authenticate by IP: the daemon offers NULL");
    expect(sent).toEqual([]);
  });

  test("methods are whole words: NULL is not in a list with NULLX", () => {
    expect(errorOf(() => feed(begin(), Uint8Array.of(6, ...ascii("NULLX "))))).toBeInstanceOf(MethodError);
  });

  test("an empty list waits for the reject behind it", () => {
    const error = errorOf(() => feed(begin(), Uint8Array.of(0, 0xf7)));
    expect(error).toBeInstanceOf(RejectError);
    expect((error as RejectError).reason).toBe("auth");
  });

  test("a daemon older than 3 is refused", () => {
    const stream = Uint8Array.of(5, ...ascii("NULL "), 1, 2, 9, 9, 6, ...ascii("#a#dmn"));
    expect((errorOf(() => feed(begin(), stream)) as RejectError).reason).toBe("version");
  });

  for (const [name, bytes] of [
    ["a list longer than 90 bytes", [91]],
    ["an acceptance that is neither 1 nor negative", [5, ...ascii("NULL "), 2]],
    ["a private group longer than 31 bytes", [5, ...ascii("NULL "), 1, 5, 0, 1, 32]],
    ["a private group that is none", [5, ...ascii("NULL "), 1, 5, 0, 1, 5, ...ascii("group")]],
  ] as const)
    test(`${name} is no handshake`, () => {
      expect(errorOf(() => feed(begin(), Uint8Array.from(bytes)))).toBeInstanceOf(HandshakeError);
    });

  for (const [byte, reason] of [
    [0xfd, "quota"],
    [0xfc, "no-name"],
    [0xfb, "illegal-name"],
    [0xfa, "not-unique"],
    [0xf9, "version"],
    [0xf7, "auth"],
    [0xf6, "unknown"],
  ] as const)
    test(`byte ${byte} instead of the list is reason "${reason}"`, () => {
      const error = errorOf(() => feed(begin(), Uint8Array.of(byte))) as RejectError;
      expect(error.reason).toBe(reason);
      expect(error.number).toBe(byte - 256);
    });

  test("a method may take several turns, and gives up by throwing", () => {
    const turns: AuthMethod = {
      name: "TURNS",
      *exchange() {
        for (const ask of ["one", "two"]) {
          const answer = yield { send: ascii(ask), answerBytes: 2 };
          if (answer[0] === 0x6e) throw new RejectError("auth", -9);
        }
      },
    };
    const sent: Uint8Array[] = [];
    const handshake = begin({ methods: [turns] });
    feed(handshake, Uint8Array.of(6, ...ascii("TURNS yeyo"), 1, 5, 0, 1, 6, ...ascii("#a#dmn")), sent);
    expect(sent.slice(1).map((bytes) => Buffer.from(bytes).toString())).toEqual(["one", "two"]);
    expect(handshake.acceptance).toBeDefined();
    expect(errorOf(() => feed(begin({ methods: [turns] }), Uint8Array.of(6, ...ascii("TURNS no"))))).toBeInstanceOf(
      RejectError,
    );
  });

  test("a daemon that ends a password's exchange with its reject code has refused", () => {
    const begun = begin({ methods: [passwordMethod("alice", "secret")] });
    const error = errorOf(() => feed(begun, Uint8Array.of(6, ...ascii("PWORD "), 0xf7)));
    expect((error as RejectError).reason).toBe("auth");
  });

  test("no method, or more than three, is a limit of ours", () => {
    expect(() => begin({ methods: [] })).toThrow(LimitError);
    expect(() => begin({ methods: [NULL_METHOD, NULL_METHOD, NULL_METHOD, NULL_METHOD] })).toThrow(LimitError);
  });

  test("every priority above 0 is sent as 1", () => {
    expect(begin({ priority: 7 }).request[3]).toBe(0x11);
    expect(begin({ priority: 0 }).request[3]).toBe(0x01);
  });
});

function begin(options: Partial<ClientHandshakeOptions> = {}): ClientHandshake {
  return new ClientHandshake({
    name: parsePrivateName("a"),
    membership: true,
    priority: 0,
    methods: [NULL_METHOD],
    ...options,
  });
}

function feed(handshake: ClientHandshake, bytes: Uint8Array, sent: Uint8Array[] = []): void {
  expect(handshake.take(bytes, 0, bytes.length, (some) => sent.push(some.slice()))).toBe(bytes.length);
}

interface Recorded {
  readonly label: string;
  readonly request: Parsed & { kind: "connect-request" };
  readonly steps: readonly Step[];
}

/** The recorded handshakes that our client could have had: a version 5.0.1, flags and a name of the library, and methods in one 90-byte piece. */
function recordedHandshakes(steps: readonly Step[]): Recorded[] {
  return [...new Set(steps.map((step) => step.conn))].flatMap((label) => {
    const own = steps.filter((step) => step.conn === label && step.parsed !== undefined);
    const request = own[0]?.parsed;
    const handshake = own.slice(1).filter((step) => HANDSHAKE.has(step.parsed!.kind));
    if (request?.kind !== "connect-request" || handshake.length === 0) return [];
    const ours =
      request.version.join(".") === "5.0.1" &&
      (request.name === "" || isPrivateName(request.name)) &&
      (request.flags_byte & ~0x11) === 0;
    const answered = handshake.at(-1)!.parsed!.kind;
    const chosen = handshake.filter((step) => step.parsed?.kind === "auth-choice").length;
    const whole =
      answered === "reject" ? chosen === 1 || handshake.length === 1 : answered === "accept" && chosen === 1;
    return ours && whole && !isShortPassword(own) && wasOffered(own) ? [{ label, request, steps: handshake }] : [];
  });
}

/** A client that chooses what is not in the list is no library, nor ours. */
function wasOffered(own: readonly Step[]): boolean {
  const list = own.find((step) => step.parsed?.kind === "auth-list")?.parsed as { list: string } | undefined;
  const choice = own.find((step) => step.parsed?.kind === "auth-choice")?.parsed as { methods: string[] } | undefined;
  return (choice?.methods ?? []).every((method) => list?.list.split(" ").includes(method));
}

/** Credentials sent in part: the recorder's client, unlike a library, sent what no method of ours would. */
function isShortPassword(own: readonly Step[]): boolean {
  const choice = own.find((step) => step.parsed?.kind === "auth-choice")?.parsed as { methods: string[] } | undefined;
  return (choice?.methods.includes("PWORD") ?? false) && !own.some((step) => step.parsed?.kind === "pword-credentials");
}

function optionsOf(request: Recorded["request"], steps: readonly Step[]): ClientHandshakeOptions {
  const choice = steps.find((step) => step.parsed?.kind === "auth-choice")?.parsed as { methods: string[] } | undefined;
  const login = steps.find((step) => step.parsed?.kind === "pword-credentials")?.parsed as
    | { username: string; password: string }
    | undefined;
  const methods = (choice?.methods ?? ["NULL"]).map(
    (name): AuthMethod =>
      login !== undefined && name === "PWORD"
        ? passwordMethod(login.username, login.password)
        : { ...NULL_METHOD, name },
  );
  const name = request.name === "" ? undefined : (request.name as PrivateName);
  return { name, membership: request.wants_membership, priority: request.priority, methods };
}

function stepOf(steps: readonly Step[], parsed: Parsed): Uint8Array {
  return steps.find((step) => step.parsed === parsed)!.bytes;
}

function concat(steps: readonly Step[]): Uint8Array {
  return Buffer.concat(steps.map((step) => step.bytes));
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
