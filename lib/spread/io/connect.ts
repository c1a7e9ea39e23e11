// The two ways to a session.
import { Session } from "./session.ts";
import { type SessionOptions, settingsOf } from "./settings.ts";

/**
 * Connects to the first daemon that takes us.
 *
 * ```ts
 * await using session = await connect({ servers: "4803@localhost", name: "alice" });
 * await session.join("chat");
 * await session.multicast("chat", "hello");
 * for await (const event of session) {
 *   if (event.kind === "message") console.log(event.sender, new TextDecoder().decode(event.body));
 * }
 * ```
 * A connection that is lost later is looked for again, and told of by the events "lost" and "back".
 * @throws {ConnectError} each daemon was tried once, and none could be reached. (A name that is still in use, a daemon that is full: tried again
 *   while `connectTimeoutMs` lasts)
 * @throws {ServerError | NameError | LimitError} what the options say is wrong
 */
export async function connect(options: SessionOptions = {}): Promise<Session> {
  return await Session.connected(settingsOf(options));
}

/**
 * A session at once, whether there is a daemon or not: for services, which start before their daemon does. "back" is its first event, or "lost"
 * where the first try fails; it goes on trying. Groups may be joined and messages sent (by the policy for unsent ones) from the beginning.
 * @throws {ServerError | NameError} what the options say is wrong
 */
export function openSession(options: SessionOptions = {}): Session {
  return Session.open(settingsOf(options));
}
