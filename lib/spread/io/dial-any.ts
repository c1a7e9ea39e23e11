// One round of looking for a daemon: the servers in order of preference. The waits between rounds are in line.ts.
import { Fault } from "../../base/fault.ts";
import type { Server } from "../server.ts";
import { ConnectError } from "../session-error.ts";
import { type DialOptions, dial, type Link, type LinkUser } from "./link.ts";

/**
 * Tries each server once.
 * @throws {ConnectError} none could be reached: the only one's error, or one with all of them
 */
export async function dialAny(servers: readonly Server[], options: DialOptions, user: LinkUser): Promise<Link> {
  const errors: ConnectError[] = [];
  for (const server of servers) {
    try {
      return await dial(server, options, user);
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
  const text = `${all.length} tried, none answers: ${all.map((error) => error.message).join("; ")}`;
  return new ConnectError(first.reason, first.server, text, { all, cause: first });
}

/** `true` for what may be over in a moment: a name that the daemon has not yet given free (-6), no session left (-3). */
export function isTemporary(error: unknown): boolean {
  return error instanceof ConnectError && error.kind === "temporary";
}
