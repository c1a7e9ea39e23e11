// The daemon's side of the handshake as a state machine without a socket. More patient than the real daemon (PROTOCOL.md, 3.1, 3.3),
// which looks once and refuses what is not all there: this one takes bytes in any segmentation, and what a client pipelines stays in place.
// Bound its time outside: a client may stop anywhere.
import { assert } from "../base/assert.ts";
import {
  type ConnectRequest,
  knowsMethods,
  readConnectRequest,
  readMethodChoice,
  type Version,
  writeAcceptance,
  writeMethodList,
} from "./handshake.ts";
import { METHOD_CHOICE_BYTES } from "./limits.ts";
import type { PrivateGroup } from "./names.ts";
import type { RejectReason } from "./result-code.ts";

/** Where a handshake stands. In `requested` and `chosen` the daemon has to decide; in `refused` it answers `writeReject(reason)` and closes. */
export type DaemonHandshakeState =
  | { readonly at: "request" }
  /** Next: `offer`, or (from a client that knows no methods) `accept`, or a reject. */
  | { readonly at: "requested"; readonly request: ConnectRequest; readonly knowsMethods: boolean }
  | { readonly at: "choice"; readonly request: ConnectRequest }
  /** Next: `accept`, or a reject. */
  | { readonly at: "chosen"; readonly request: ConnectRequest; readonly methods: readonly string[] }
  | { readonly at: "accepted"; readonly request: ConnectRequest }
  | { readonly at: "refused"; readonly reason: RejectReason };

/** One client's handshake. */
export class DaemonHandshake {
  #state: DaemonHandshakeState = { at: "request" };
  readonly #unit = new Uint8Array(METHOD_CHOICE_BYTES);
  #unitEnd = 0;

  get state(): DaemonHandshakeState {
    return this.#state;
  }

  /**
   * Takes bytes from the client, up to where the daemon has to decide something.
   * @returns bytes taken: fewer than given where a decision is due (look at `state`), or the handshake is over
   */
  take(bytes: Uint8Array, at: number, end: number): number {
    let taken = at;
    while (taken < end && (this.#state.at === "request" || this.#state.at === "choice")) {
      this.#unit[this.#unitEnd++] = bytes[taken++]!;
      this.#step(this.#state);
    }
    return taken - at;
  }

  /** Answers a request with the methods allowed. An empty list has to be followed by a reject "auth". @returns the bytes to send */
  offer(methods: readonly string[]): Uint8Array {
    const state = this.#state;
    assert(state.at === "requested" && state.knowsMethods, "methods are offered once, to a client that knows them");
    this.#state = { at: "choice", request: state.request };
    return writeMethodList(methods);
  }

  /** Accepts the session. @returns the bytes to send */
  accept(version: Version, privateGroup: PrivateGroup): Uint8Array {
    const state = this.#state;
    assert(state.at === "chosen" || (state.at === "requested" && !state.knowsMethods), "a session is accepted once");
    this.#state = { at: "accepted", request: state.request };
    const patch = state.request.version.patch === undefined ? undefined : version.patch;
    return writeAcceptance({ version: { ...version, patch }, privateGroup });
  }

  #step(state: DaemonHandshakeState & { readonly at: "request" | "choice" }): void {
    if (state.at === "request") {
      const read = readConnectRequest(this.#unit, 0, this.#unitEnd);
      if (read === undefined) return;
      this.#unitEnd = 0;
      if ("refuse" in read) this.#state = { at: "refused", reason: read.refuse };
      else this.#state = { at: "requested", request: read.value, knowsMethods: knowsMethods(read.value.version) };
      return;
    }
    const choice = readMethodChoice(this.#unit, 0, this.#unitEnd);
    if (choice === undefined) return;
    this.#unitEnd = 0;
    this.#state = { at: "chosen", request: state.request, methods: choice.value };
  }
}
