import type { MonotonicMs } from "../base/brand.ts";
import type { FrameView } from "../spread/frame.ts";
import { type ConnectRequest, knowsMethods, type Version } from "../spread/handshake.ts";
import { type PrivateGroup, type PrivateName, privateGroup } from "../spread/names.ts";
import type { Permissions } from "./access.ts";
import type { Password } from "./authentication.ts";
import type { Daemon } from "./daemon.ts";
import type { Member } from "./member.ts";
import type { Peer } from "./peer.ts";
import { SessionCore, type SessionEnd, type SessionPort } from "./session-core.ts";

/** What we say we are: the version of the real daemon whose behaviour this is. */
const VERSION: Version = { major: 5, minor: 0, patch: 1 };

/** A session in the daemon: who it is, what it may, and its core's way to the daemon. */
export class Session implements SessionPort {
  readonly version = VERSION;
  readonly core = new SessionCore(this);
  /** Its name, from its request on. */
  privateName: PrivateName | undefined;
  /** Itself in the groups, once its handshake is over. */
  member: Member | undefined;
  /** How long its peer may be dead unnoticed. */
  timeoutMs: number;

  /**
   * @param permissions `undefined`: it may not even connect
   * @param since       when its connection came
   */
  constructor(
    private readonly daemon: Daemon,
    readonly slot: number,
    readonly peer: Peer,
    public permissions: Permissions | undefined,
    readonly since: MonotonicMs,
  ) {
    this.timeoutMs = daemon.settings.sessionTimeoutMs;
  }

  get methods(): readonly string[] {
    return this.daemon.settings.authentication.methods;
  }

  claim(request: ConnectRequest): PrivateGroup | undefined {
    this.privateName = this.daemon.claim(this.slot, request.name);
    return this.privateName && privateGroup(this.privateName, this.daemon.settings.name);
  }

  admits(request: ConnectRequest, chosen: readonly string[], password: Password | undefined): boolean {
    const methods = knowsMethods(request.version) ? chosen : undefined;
    return this.daemon.admits(this, { peer: this.peer, methods, password });
  }

  reply(bytes: Uint8Array): void {
    this.daemon.reply(this.slot, bytes);
  }

  opened(request: ConnectRequest, name: PrivateGroup): void {
    this.member = this.daemon.opened(this, name, request.flags);
  }

  request(frame: FrameView): void {
    this.daemon.request(this, frame);
  }

  ended(end: SessionEnd): void {
    this.daemon.ended(this, end);
  }
}
