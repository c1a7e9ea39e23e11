// How a client proves who it is (PROTOCOL.md, 3.4). A method is a name and an exchange: what the client says next, and how many bytes
// the daemon answers. The exchange is a generator, so that it needs no socket: `client-handshake.ts` plays it.
import { Fault } from "../base/fault.ts";
import { RejectError } from "./result-code.ts";

/** One turn: these bytes are sent, then so many are awaited and handed back to the generator. */
export interface AuthTurn {
  readonly send: Uint8Array;
  readonly answerBytes: number;
}

export interface AuthMethod {
  /** As in the daemon's list: one word, at most 29 bytes. */
  readonly name: string;
  /** Throw a `Fault` to give up; a daemon's -9 comes as an error by itself, after the last method. */
  exchange(): Generator<AuthTurn, void, Uint8Array>;
}

/** Nothing is exchanged: everybody may. */
export const NULL_METHOD: AuthMethod = { name: "NULL", *exchange() {} };

/** Nothing is exchanged: the daemon looks at the address we come from. */
export const IP_METHOD: AuthMethod = { name: "IP", *exchange() {} };

const USER_BYTES = 32;
const PASSWORD_BYTES = 8;

/**
 * User and password (PWORD). In the real daemon's source tree, not in its stock build. Clear text on the wire.
 * @param user     at most 31 bytes
 * @param password longer than 8 bytes is cut, as everywhere with this method
 */
export function passwordMethod(user: string, password: string): AuthMethod {
  const bytes = new Uint8Array(USER_BYTES + PASSWORD_BYTES);
  const userBytes = new TextEncoder().encode(user);
  if (userBytes.length >= USER_BYTES)
    throw new Fault("usage", "user", `cannot use user name: it has ${userBytes.length} bytes, expected at most 31`);
  bytes.set(userBytes);
  bytes.set(new TextEncoder().encode(password).subarray(0, PASSWORD_BYTES), USER_BYTES);
  return {
    name: "PWORD",
    *exchange() {
      const answer = yield { send: bytes, answerBytes: 1 };
      // 0 is a wrong password: the reject code follows, and is the error. Anything but 0 and 1 is that code itself.
      if (answer[0]! > 1) throw RejectError.ofByte(answer[0]!);
    },
  };
}
