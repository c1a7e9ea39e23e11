// One client's session without its socket: bytes in; replies, requests and the end out, through its `SessionPort`. First the handshake, then frames.
//
// The daemon closes without a byte on whatever is illegal (PROTOCOL.md 10); where the real daemon passes on what harms it or other clients, this one
// closes too (9.4, 15.8): bits that no client may set, names that do not end, a join or leave of nothing. Each end has a typed reason.
//
// A session works in turns: `turn` stops after some bytes, so that one flooding client does not keep the others waiting, and at once when it is held
// (flow-control.ts). What it has not worked through stays where it is.
import { assert } from "../base/assert.ts";
import type { Fault } from "../base/fault.ts";
import { DaemonHandshake } from "../spread/daemon-handshake.ts";
import { FrameError, FrameView, rewriteHeader } from "../spread/frame.ts";
import { type ConnectRequest, type Version, writeReject } from "../spread/handshake.ts";
import { NAME_FIELD_BYTES } from "../spread/limits.ts";
import { isName, nameBytes, nameField, readName } from "../spread/name-field.ts";
import type { PrivateGroup } from "../spread/names.ts";
import type { RejectReason } from "../spread/result-code.ts";
import { DROP_RECV, REQUEST_MASK, SELF_DISCARD } from "../spread/service.ts";
import { PASSWORD_BYTES, PASSWORD_METHOD, type Password, readPassword } from "./authentication.ts";
import { Input } from "./input.ts";

/** Why a session ended. */
export type SessionEnd =
  | { readonly why: "left" } // by its own KILL
  | { readonly why: "lost" } // the connection closed, by the client or the network
  | { readonly why: "refused"; readonly reason: RejectReason; readonly told?: string } // told: more than the client hears, for the log
  | { readonly why: "illegal"; readonly fault: Fault } // it sent what no client may
  | { readonly why: "silent" } // the handshake took too long
  | { readonly why: "slow" } // it did not take what it was sent
  | { readonly why: "outside" } // the other hosts can't be reached any more
  | { readonly why: "stopped" }; // the daemon ends

/** What a session asks of its daemon. */
export interface SessionPort {
  /** Which methods the daemon offers. */
  readonly methods: readonly string[];
  readonly version: Version;
  /** Keeps the name that the client asks for, or one that is invented; `undefined` where another session has it. */
  claim(request: ConnectRequest): PrivateGroup | undefined;
  /** Whether the client may come in by these methods. @param password what it sent, where PWORD is among them */
  admits(request: ConnectRequest, methods: readonly string[], password: Password | undefined): boolean;
  /** Sends bytes of the handshake. */
  reply(bytes: Uint8Array): void;
  /** The handshake is over. */
  opened(request: ConnectRequest, name: PrivateGroup): void;
  /** A request that is legal, in the daemon's byte order, by the session's own name. Its bytes will not change any more. */
  request(frame: FrameView): void;
  ended(end: SessionEnd): void;
}

type State =
  | { readonly at: "handshake" }
  | { readonly at: "password"; readonly request: ConnectRequest; readonly methods: readonly string[] }
  | { readonly at: "open" }
  | { readonly at: "ended"; readonly end: SessionEnd };

/** Bytes of frames that a session may work through before others get their turn. */
const TURN_BYTES = 65_536;

/** All bits that a client may set. */
const LEGAL_BITS = REQUEST_MASK | SELF_DISCARD | DROP_RECV;

export class SessionCore {
  #state: State = { at: "handshake" };
  readonly #handshake = new DaemonHandshake();
  readonly #input = new Input((view) => this.#check(view));
  readonly #view = new FrameView();
  #password: Uint8Array = NO_BYTES;
  #field: Uint8Array = NO_BYTES;
  #name: PrivateGroup | undefined;
  #held = false;

  constructor(private readonly port: SessionPort) {}

  get state(): State["at"] {
    return this.#state.at;
  }

  /** Its private group, once it has been claimed. */
  get name(): PrivateGroup | undefined {
    return this.#name;
  }

  /** While `true`, `turn` does nothing: whom this session sends to has too much waiting. */
  get isHeld(): boolean {
    return this.#held;
  }

  hold(held: boolean): void {
    this.#held = held;
  }

  /** `true` where `turn` has something to work through, now or when it is no longer held. */
  get hasWork(): boolean {
    return this.#state.at === "open" && !this.#input.isEmpty;
  }

  /** Takes bytes from the client; they are the session's from here on. Then comes `turn`. */
  receive(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#state.at !== "ended") {
      switch (this.#state.at) {
        case "handshake":
          at += this.#handshake.take(bytes, at, bytes.length);
          this.#shakeHands();
          break;
        case "password":
          at = this.#takePassword(bytes, at, this.#state);
          break;
        default:
          this.#input.push(at === 0 ? bytes : bytes.subarray(at));
          return;
      }
    }
  }

  /** Works through frames. @returns whether there are more for another turn */
  turn(): boolean {
    const view = this.#view;
    try {
      for (let left = TURN_BYTES; left > 0; ) {
        if (this.#held || this.#state.at !== "open") return false;
        const took = this.#input.next(view);
        if (took === 0) return false;
        left -= took;
        this.#checkNames(view);
        rewriteHeader(view, true);
        this.port.request(view);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.end({ why: "illegal", fault: error });
      return false;
    }
    return this.hasWork && !this.#held;
  }

  /** The client has closed its side, or said nothing for too long. Where an answer was awaited, it gets one, as from the real daemon. */
  giveUp(why: "lost" | "silent"): void {
    const isAsked = this.#state.at === "password" || this.#handshake.state.at === "choice";
    if (isAsked) this.#refuse("auth");
    else this.end({ why });
  }

  /** Ends the session, once: the port hears of it. */
  end(end: SessionEnd): void {
    if (this.#state.at === "ended") return;
    this.#state = { at: "ended", end };
    this.port.ended(end);
  }

  #shakeHands(): void {
    const state = this.#handshake.state;
    switch (state.at) {
      case "refused":
        this.#refuse(state.reason);
        break;
      case "requested":
        this.#answerRequest(state.request, state.knowsMethods);
        break;
      case "chosen":
        if (state.methods.includes(PASSWORD_METHOD))
          this.#state = { at: "password", request: state.request, methods: state.methods };
        else this.#admit(state.methods, state.request);
        break;
    }
  }

  #answerRequest(request: ConnectRequest, knowsMethods: boolean): void {
    this.#name = this.port.claim(request);
    if (this.#name === undefined) this.#refuse("not-unique");
    else if (!knowsMethods) this.#admit([], request);
    else {
      this.port.reply(this.#handshake.offer(this.port.methods));
      if (this.port.methods.length === 0) this.#refuse("auth");
    }
  }

  #takePassword(bytes: Uint8Array, at: number, state: State & { readonly at: "password" }): number {
    const end = Math.min(bytes.length, at + PASSWORD_BYTES - this.#password.length);
    this.#password = Uint8Array.of(...this.#password, ...bytes.subarray(at, end));
    if (this.#password.length === PASSWORD_BYTES)
      this.#admit(state.methods, state.request, readPassword(this.#password));
    return end;
  }

  /** The answer to the authentication. */
  #admit(methods: readonly string[], request: ConnectRequest, password?: Password): void {
    assert(this.#name !== undefined, "a session has its name before it is admitted");
    const admitted = this.port.admits(request, methods, password);
    if (password !== undefined) this.port.reply(Uint8Array.of(admitted ? 1 : 0));
    if (!admitted) {
      this.#refuse("auth");
      return;
    }
    this.#field = nameField(this.#name);
    this.port.reply(this.#handshake.accept(this.port.version, this.#name));
    this.#state = { at: "open" };
    this.port.opened(request, this.#name);
  }

  #refuse(reason: RejectReason): void {
    if (this.#state.at === "ended") return;
    this.port.reply(writeReject(reason));
    this.end({ why: "refused", reason });
  }

  /** What the header alone can tell, beyond the codec's checks. */
  #check(view: FrameView): void {
    const { bytes, start, nameStart } = view;
    if ((view.service & ~LEGAL_BITS) !== 0) throw new FrameError("type", start, view.service);
    bytes[nameStart + NAME_FIELD_BYTES - 1] = 0; // as the real daemon does before it compares (vector bad-sender-nonul)
    if (!isName(bytes, nameStart, this.#field)) throw new FrameError("name", nameStart, readName(bytes, nameStart));
    if (view.groupCount === 0 && (view.kind === "join" || view.kind === "leave"))
      throw new FrameError("groups", start, 0);
  }

  /** Each group's name ends within its field. In a KILL they mean nothing, and the C library leaves anything there. */
  #checkNames(view: FrameView): void {
    if (view.kind === "kill") return;
    const { bytes } = view;
    for (let at = view.groupsStart; at < view.bodyStart; at += NAME_FIELD_BYTES) {
      if (bytes[at + NAME_FIELD_BYTES - 1] === 0 || nameBytes(bytes, at) < NAME_FIELD_BYTES) continue;
      throw new FrameError("name", at, readName(bytes, at));
    }
  }
}

const NO_BYTES = new Uint8Array(0);
