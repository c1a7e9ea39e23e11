// The client's side of the handshake as a state machine without a socket: bytes in, bytes to send out. Takes them in any segmentation,
// and leaves what lies behind the acceptance alone: those are frames already.
import { Fault } from "../base/fault.ts";
import type { AuthMethod, AuthTurn } from "./auth-method.ts";
import {
  type Acceptance,
  connectFlags,
  HandshakeError,
  readAcceptance,
  readMethodList,
  writeConnectRequest,
  writeMethodChoice,
} from "./handshake.ts";
import { CLIENT_VERSION, DAEMON_MAJOR_MIN, LimitError, METHOD_LIST_BYTES_MAX, METHODS_MAX } from "./limits.ts";
import type { PrivateName } from "./names.ts";
import { RejectError, rejectCode } from "./result-code.ts";

export interface ClientHandshakeOptions {
  /** `undefined`: the daemon invents one. */
  readonly name: PrivateName | undefined;
  readonly membership: boolean;
  readonly priority: number;
  /** One to three; the daemon must offer each, and runs them in this order. */
  readonly methods: readonly AuthMethod[];
}

type State =
  | { readonly at: "list" }
  | { readonly at: "method"; readonly next: number; readonly exchange: Exchange; readonly answerBytes: number }
  | { readonly at: "answer" }
  | { readonly at: "accepted"; readonly acceptance: Acceptance };

type Exchange = Generator<AuthTurn, void, Uint8Array>;

/** One handshake. Send `request` in one write, then hand `take` what comes until `acceptance` is there. */
export class ClientHandshake {
  readonly request: Uint8Array;
  #state: State = { at: "list" };
  readonly #unit = new Uint8Array(UNIT_BYTES_MAX);
  #unitEnd = 0;

  constructor(private readonly options: ClientHandshakeOptions) {
    const { name, membership, priority, methods } = options;
    if (methods.length < 1 || methods.length > METHODS_MAX)
      throw new LimitError("methods", methods.length, `1 to ${METHODS_MAX}`);
    // the C library sends 1 for every priority above 0, and so do we: nothing else was ever seen on a wire
    const flags = connectFlags(membership, priority > 0 ? 1 : 0);
    this.request = writeConnectRequest({ version: CLIENT_VERSION, name, flags });
  }

  /** What the daemon granted, once it has. */
  get acceptance(): Acceptance | undefined {
    return this.#state.at === "accepted" ? this.#state.acceptance : undefined;
  }

  /**
   * Takes bytes from the daemon, up to the end of the handshake.
   * @param send gets what is to be sent, each piece in one write
   * @returns bytes taken: fewer than given only where the handshake is over
   * @throws {RejectError} the daemon refused the session, or offers none of our methods
   * @throws {HandshakeError} what came is no handshake
   */
  take(bytes: Uint8Array, at: number, end: number, send: (bytes: Uint8Array) => void): number {
    // a byte at a time: some 140 of them in a session's life
    let taken = at;
    while (taken < end && this.#state.at !== "accepted") {
      this.#unit[this.#unitEnd++] = bytes[taken++]!;
      this.#step(send);
    }
    return taken - at;
  }

  #step(send: (bytes: Uint8Array) => void): void {
    const state = this.#state;
    switch (state.at) {
      case "list": {
        const list = readMethodList(this.#unit, 0, this.#unitEnd);
        if (list === undefined) return;
        if ("reject" in list) throw list.reject;
        this.#choose(list.value, send);
        return;
      }
      case "method": {
        if (this.#unitEnd < state.answerBytes) return;
        const answer = this.#unit.slice(0, this.#unitEnd);
        this.#unitEnd = 0;
        this.#turn(state.exchange, state.exchange.next(answer), state.next, send);
        return;
      }
      case "answer": {
        const answer = readAcceptance(this.#unit, 0, this.#unitEnd);
        if (answer === undefined) return;
        if ("reject" in answer) throw answer.reject;
        if (answer.value.version.major < DAEMON_MAJOR_MIN) throw new RejectError("version", rejectCode("version"));
        this.#state = { at: "accepted", acceptance: answer.value };
      }
    }
  }

  #choose(offered: readonly string[], send: (bytes: Uint8Array) => void): void {
    this.#unitEnd = 0;
    if (offered.length === 0) {
      this.#state = { at: "answer" }; // nothing is allowed: the reject follows by itself
      return;
    }
    const names = this.options.methods.map((method) => method.name);
    const missing = names.find((name) => !offered.includes(name));
    if (missing !== undefined) throw new MethodError(missing, offered);
    send(writeMethodChoice(names));
    this.#begin(0, send);
  }

  #begin(index: number, send: (bytes: Uint8Array) => void): void {
    const method = this.options.methods[index];
    if (method === undefined) {
      this.#state = { at: "answer" };
      return;
    }
    const exchange = method.exchange();
    this.#turn(exchange, exchange.next(), index + 1, send);
  }

  #turn(
    exchange: Exchange,
    turn: IteratorResult<AuthTurn, void>,
    next: number,
    send: (bytes: Uint8Array) => void,
  ): void {
    if (turn.done === true) {
      this.#begin(next, send);
      return;
    }
    const { answerBytes } = turn.value;
    if (answerBytes < 1 || answerBytes > UNIT_BYTES_MAX) throw new HandshakeError("answer of a method", answerBytes);
    send(turn.value.send);
    this.#state = { at: "method", next, exchange, answerBytes };
  }
}

/** The daemon does not offer a method of ours; nothing was chosen. */
export class MethodError extends Fault {
  override readonly name = "MethodError";

  constructor(
    readonly method: string,
    readonly offered: readonly string[],
  ) {
    super("no-permission", "auth", `cannot authenticate by ${method}: the daemon offers ${offered.join(", ")}`);
  }
}

/** The list is the longest unit; a method's answer may be as long. */
const UNIT_BYTES_MAX = 1 + METHOD_LIST_BYTES_MAX;
