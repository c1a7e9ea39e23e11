import { describe, expect, test } from "bun:test";
import { closeSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Fault } from "../../lib/base/fault.ts";
import type { Log } from "../../lib/base/log.ts";
import { type AskOptions, ask, askOnce } from "../../lib/control/io/client.ts";
import { ControlServer, type Handler } from "../../lib/control/io/server.ts";
import {
  LINE_BYTES_MAX,
  LineCutter,
  readAnswer,
  readRequest,
  writeAnswer,
  writeRequest,
} from "../../lib/control/message.ts";
import { listenUnixStream } from "../../lib/linux/stream-socket.ts";
import { cases } from "../support/fuzz.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** Names that valibot drops from a record, for good reason. */
const DANGEROUS = new Set(["__proto__", "prototype", "constructor"]);

describe("the lines of a control socket", () => {
  test("a request is read as it was written, whatever its arguments", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z][a-z-]{0,31}$/),
        fc.dictionary(
          fc.string().filter((name) => !DANGEROUS.has(name)),
          fc.jsonValue(),
        ),
        (word, given) => {
          const request = { ask: word, with: JSON.parse(JSON.stringify(given)) as Record<string, unknown> };
          expect(readRequest(writeRequest(request))).toEqual(request);
        },
      ),
      cases(500),
    );
  });

  test("an answer is read as it was written", () => {
    for (const answer of [
      { is: "part", value: { a: 1 } },
      { is: "end", value: null },
      { is: "error", kind: "usage", code: "x", message: "y" },
    ] as const) {
      expect(readAnswer(writeAnswer(answer))).toEqual(answer);
    }
  });

  test("any other line is a protocol fault, never another error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        for (const read of [readRequest, readAnswer]) {
          try {
            read(line);
          } catch (error) {
            expect(error).toBeInstanceOf(Fault);
            expect((error as Fault).kind).toBe("protocol");
          }
        }
      }),
      cases(2_000),
    );
  });

  for (const version of [-1, 2, 99]) {
    test(`version ${version} is refused, and told`, () => {
      expect(() => readRequest(JSON.stringify({ version, ask: "status" }))).toThrow(`version is ${version}, wanted 1`);
    });
  }

  test("lines come out the same however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string().map((text) => text.replaceAll("\n", " "))),
        fc.array(fc.integer({ min: 1, max: 9 })),
        (lines, cuts) => {
          const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
          const cutter = new LineCutter();
          const seen: string[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const length = cuts[turn % Math.max(1, cuts.length)] ?? bytes.length;
            seen.push(...cutter.take(bytes.subarray(at, at + length)));
            at += length;
          }
          expect(seen).toEqual(lines.map((line) => new TextDecoder().decode(new TextEncoder().encode(line))));
        },
      ),
      cases(500),
    );
  });

  test("a line without an end is refused before it fills the memory", () => {
    const cutter = new LineCutter();
    const chunk = new Uint8Array(64 * 1024).fill(65);
    expect(() => {
      for (let fed = 0; fed <= LINE_BYTES_MAX; fed += chunk.length) cutter.take(chunk);
    }).toThrow(Fault);
  });
});

describe("a service and its operators", () => {
  const silent: Log = { error() {}, warn() {}, notice() {}, debug() {} };
  const handlers: Record<string, Handler> = {
    echo: async (request) => request.with,
    count: async (request, { part }) => {
      for (let at = 1; at <= Number(request.with["to"]); at++) part(at);
      return "done";
    },
    refuse: async () => {
      throw new Fault("no-permission", "not-you", "not you");
    },
    watch: (_request, { part, gone }) =>
      new Promise((resolve) => {
        part("first");
        gone.addEventListener("abort", () => resolve(undefined));
      }),
  };

  async function withServer(body: (path: string) => Promise<void>): Promise<void> {
    using scratch = temporaryDirectory();
    const path = join(scratch.path, "deep/service.ctl");
    using _server = await ControlServer.listen({ path, handlers, log: silent });
    await body(path);
  }

  test("a question has its answer, and the socket is for its owner alone", () =>
    withServer(async (path) => {
      expect(await askOnce("service", path, { ask: "echo", with: { a: [1, "ü"] } })).toEqual({ a: [1, "ü"] });
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }));

  test("parts come in order, before the end", () =>
    withServer(async (path) => {
      const parts: unknown[] = [];
      for await (const part of ask("service", path, { ask: "count", with: { to: 100 } })) parts.push(part);
      expect(parts).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    }));

  for (const { claim, word, kind, message } of [
    {
      claim: "what the service refuses keeps its kind and text",
      word: "refuse",
      kind: "no-permission",
      message: "not you",
    },
    {
      claim: "an unknown word is a usage fault",
      word: "sing",
      kind: "usage",
      message: 'this service does not know "sing"',
    },
    {
      claim: "a word of every object is no handler",
      word: "constructor",
      kind: "usage",
      message: 'this service does not know "constructor"',
    },
  ] as const) {
    test(claim, () =>
      withServer(async (path) => {
        const fault = await askOnce("service", path, { ask: word, with: {} }).catch((error: unknown) => error);
        expect(fault).toMatchObject({ kind, message });
      }),
    );
  }

  test("who stops listening to a stream ends it", () =>
    withServer(async (path) => {
      const stop = new AbortController();
      for await (const part of ask("service", path, { ask: "watch", with: {} }, { stop: stop.signal })) {
        expect(part).toBe("first");
        stop.abort();
      }
    }));

  test("nobody there is told with what to do", async () => {
    const fault = await askOnce("syslogd", "/nonexistent/syslogd.ctl", { ask: "status", with: {} }).catch(
      (error: unknown) => error,
    );
    expect(fault).toMatchObject({
      kind: "unavailable",
      message: "cannot reach syslogd at /nonexistent/syslogd.ctl: no such socket; is syslogd running?",
    });
  });

  test("a service that does not read is told as such in time, and a signal ends the wait at once", async () => {
    using scratch = temporaryDirectory();
    const path = join(scratch.path, "service.ctl");
    const listener = Bun.listen({ unix: path, socket: { data() {} } });
    using _listener = { [Symbol.dispose]: () => listener.stop(true) };
    const asked = (options: AskOptions) =>
      askOnce("service", path, { ask: "status", with: {} }, options).catch((error: unknown) => error);
    expect(await asked({ patienceMs: 50 })).toMatchObject({
      kind: "unavailable",
      code: "no-answer",
      message: `service does not answer at ${path}: stopped, or overloaded`,
    });
    const stop = new AbortController();
    const ending = asked({ patienceMs: 3_600_000, stop: stop.signal });
    stop.abort("SIGTERM");
    expect(await ending).toBe("SIGTERM");
  });

  test("patience is for the first line: what comes later may take its time", () =>
    withServer(async (path) => {
      const stop = new AbortController();
      const patienceMs = 1_000;
      const parts: unknown[] = [];
      for await (const part of ask("service", path, { ask: "watch", with: {} }, { stop: stop.signal, patienceMs })) {
        parts.push(part);
        setTimeout(() => stop.abort(), patienceMs + 100);
      }
      expect(parts).toEqual(["first"]);
    }));

  test("a second service on one socket is refused, a stale socket is taken over", () =>
    withServer(async (path) => {
      const second = await ControlServer.listen({ path, handlers, log: silent }).catch((error: unknown) => error);
      expect(second).toMatchObject({ kind: "cannot-create", code: "in-use" });
      expect(await askOnce("service", path, { ask: "echo", with: {} })).toEqual({});
    }));

  test("a file that stands at the path is refused, and left as it is", async () => {
    using scratch = temporaryDirectory();
    const path = join(scratch.path, "precious");
    writeFileSync(path, "precious");
    const refused = await ControlServer.listen({ path, handlers, log: silent }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      kind: "cannot-create",
      message: `cannot listen on ${path}: a file stands there; remove it, or choose another path`,
    });
    expect(readFileSync(path, "utf8")).toBe("precious");
  });

  test("at the end its socket is removed, and what was put in its place is not", async () => {
    using scratch = temporaryDirectory();
    const path = join(scratch.path, "service.ctl");
    const first = await ControlServer.listen({ path, handlers, log: silent });
    first.stop();
    expect(existsSync(path)).toBe(false);
    const second = await ControlServer.listen({ path, handlers, log: silent });
    rmSync(path);
    writeFileSync(path, "another's");
    second.stop();
    expect(readFileSync(path, "utf8")).toBe("another's");
  });

  test("a socket whose file is removed is made again, whoever talks on it talks on, and what another puts there stays", async () => {
    using scratch = temporaryDirectory();
    const path = join(scratch.path, "deep", "service.ctl");
    let proceed = (): void => {};
    const told: string[] = [];
    const isTold = () => new Promise<void>((resolve) => (onTold = resolve));
    let onTold = (): void => {};
    const warn = (text: string) => {
      told.push(text);
      onTold();
    };
    using _server = await ControlServer.listen({
      path,
      handlers: {
        ...handlers,
        wait: async () => {
          onTold();
          await new Promise<void>((resolve) => (proceed = resolve));
          return "done";
        },
      },
      log: { ...silent, warn },
      lookEveryMs: 5,
    });
    const isAsked = isTold();
    const waiting = askOnce("service", path, { ask: "wait", with: {} });
    await isAsked;
    const isBack = isTold();
    rmSync(join(scratch.path, "deep"), { recursive: true });
    await isBack;
    expect(told).toEqual([`${path}: the control socket was removed; made again`]);
    expect(await askOnce("service", path, { ask: "echo", with: { a: 1 } })).toEqual({ a: 1 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    proceed();
    expect(await waiting).toBe("done");
    const inTheWay = `${path}.new`;
    writeFileSync(inTheWay, "not ours");
    renameSync(inTheWay, path);
    await Bun.sleep(20);
    expect(readFileSync(path, "utf8")).toBe("not ours");
  });

  test("what a service that died left is replaced", async () => {
    using scratch = temporaryDirectory();
    const path = join(scratch.path, "service.ctl");
    const dead = listenUnixStream(path);
    closeSync(dead.fd);
    using _server = await ControlServer.listen({ path, handlers, log: silent });
    expect(await askOnce("service", path, { ask: "echo", with: {} })).toEqual({});
  });
});
