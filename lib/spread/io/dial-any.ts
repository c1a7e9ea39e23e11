// One round of looking for a daemon: the servers in order of preference. The waits between rounds are in line.ts.
import { Fault } from "../../base/fault.ts";
import type { Server } from "../server.ts";
import { ConnectError } from "../session-error.ts";
import { type DialOptions, dial, type Link, type LinkUser } from "./link.ts";

/** So long one server may take where there is another to be tried behind it: a daemon that stands still is not to use up the time of who wants to send. */
const ONE_OF_SEVERAL_MS = 1_500;

/**
 * Tries each server once; those before the last for no longer than `ONE_OF_SEVERAL_MS`.
 * @throws {ConnectError} none could be reached: the only one's error, or one with all of them
 */
export async function dialAny(servers: readonly Server[], options: DialOptions, user: LinkUser): Promise<Link> {
  const errors: ConnectError[] = [];
  for (const [at, server] of servers.entries()) {
    const isLast = at === servers.length - 1;
    const timeoutMs = isLast ? options.timeoutMs : Math.min(options.timeoutMs, ONE_OF_SEVERAL_MS);
    try {
      return await dial(server, { ...options, timeoutMs }, user);
    } catch (error) {
      if (!(error instanceof ConnectError) || options.signal.aborted) throw error;
      errors.push(error);
    }
  }
  const [first, ...others] = errors;
  if (first === undefined) throw new Fault("usage", "servers", "cannot connect: the list of servers is empty");
  throw others.length === 0 ? first : allFailed(first, errors);
}

function allFailed(first: ConnectError, all: readonly ConnectError[]): ConnectError {
  return new ConnectError(first.reason, first.server, first.found, { all, cause: first });
}

/** `true` for what may be over in a moment: a name that the daemon has not yet given free (-6), no session left (-3). */
export function isTemporary(error: unknown): boolean {
  return error instanceof ConnectError && error.kind === "temporary";
}
