// The client of lib/spread against spreadd: what it sends, gets and sees, by unix socket and by TCP.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Session, type SessionEvent } from "../../lib/spread/index.ts";
import { formatServer } from "../../lib/spread/server.ts";
import { WAIT_MS } from "../support/child.ts";
import { type RunningDaemon, startDaemon } from "./running-daemon.ts";

const PORT = 24_280;
const COUNT = 10_000;
const BODY_BYTES = 200;

let daemon: RunningDaemon;
beforeAll(async () => {
  daemon = await startDaemon({ port: PORT });
});
afterAll(() => daemon[Symbol.asyncDispose]());

/** The next event of a kind; others before it are passed over. */
async function next<Kind extends SessionEvent["kind"]>(
  session: Session,
  kind: Kind,
): Promise<Extract<SessionEvent, { kind: Kind }>> {
  for await (const event of session) if (event.kind === kind) return event as Extract<SessionEvent, { kind: Kind }>;
  throw new Error(`the session ended without a ${kind}`);
}

const numbered = (number: number) => new TextEncoder().encode(`${number} `.padEnd(BODY_BYTES, "x"));

for (const readers of [1, 10])
  for (const by of ["unix", "tcp"] as const)
    test(
      `${COUNT} messages of ${BODY_BYTES} bytes to ${readers}, by ${by}: none lost, none reordered`,
      async () => {
        const servers = formatServer(daemon[by]);
        const sessions = await Promise.all(Array.from({ length: readers }, () => connect({ servers })));
        for (const session of sessions) await session.join("g");
        for (const session of sessions) while ((await next(session, "view")).members.length < readers) {}
        await using sender = await connect({ servers });
        const reading = sessions.map(async (session) => {
          let expected = 0;
          for await (const event of session) {
            if (event.kind !== "message") throw new Error(`${event.kind} in between`);
            if (Buffer.compare(event.body, numbered(expected)) !== 0) throw new Error(`not message ${expected}`);
            if (++expected === COUNT) return expected;
          }
          return expected;
        });
        for (let number = 0; number < COUNT; number++) await sender.multicast("g", numbered(number));
        expect(await Promise.all(reading)).toEqual(sessions.map(() => COUNT));
        for (const session of sessions) await session.close();
      },
      WAIT_MS * 2,
    );

test("a session that may not send to a group gets its message back", async () => {
  await using strict = await startDaemon({ allow: [{ from: ["unix"], send: ["app.*"], join: ["log.*"] }] });
  await using session = await connect({ servers: formatServer(strict.unix) });
  await session.multicast("log.mail", "no");
  expect(await next(session, "reject")).toMatchObject({ kind: "reject" });
  await session.join("app.x");
  expect(await next(session, "reject")).toMatchObject({ kind: "reject" });
  await session.join("log.mail");
  expect(await next(session, "view")).toMatchObject({ group: "log.mail", cause: "join" });
});

test("a client is told why it is refused", async () => {
  await using strict = await startDaemon({ allow: [{ from: ["user:4242"] }], sessions_max: 1 });
  await expect(connect({ servers: formatServer(strict.unix) })).rejects.toThrow("authentication failed");
});
