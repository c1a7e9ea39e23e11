// The driver's care for its guard (guard.ts): one for each session, told of every address before it is put on and after it was taken off, and replaced when it dies.
import { Fault } from "../../base/fault.ts";
import { libc } from "../../linux/libc.ts";
import { checked } from "../../linux/system-error.ts";
import type { Place } from "./address-writer.ts";
import type { GuardedSession } from "./driver.ts";
import { Guard, type IpMode } from "./guard.ts";

const AGAIN_MS = 500;
const F_DUPFD_CLOEXEC = 1030;
const SHUT_WR = 1;

/** An address that the guard knows. */
export interface GuardedPlace extends Place {
  /** Its number with the guard. */
  readonly slot: number;
}

export class Guarding implements Disposable {
  readonly #known = new Map<number, GuardedPlace>();
  readonly #freeSlots: number[] = [];
  #guard: Guard | undefined;
  /** With a descriptor of our own: a guard may have to be started anew when the session's owner has closed his. */
  #session: GuardedSession | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isKeeping = false;
  #isSilent = false;

  constructor(
    private readonly mode: IpMode,
    private readonly onTrouble: (text: string) => void,
  ) {}

  begin({ socketFd, lastWords }: GuardedSession): void {
    this.#close();
    const duplicate = checked(libc().fcntl(socketFd, F_DUPFD_CLOEXEC, 3), "duplicate the session's socket");
    this.#session = { socketFd: duplicate, lastWords };
    this.#start();
  }

  /** Ends the session's socket, after what was written to it, and the guard. */
  end(): void {
    if (this.#session !== undefined) libc().shutdown(this.#session.socketFd, SHUT_WR);
    this.#close();
  }

  /** Before an address is put on. */
  add(place: Place): GuardedPlace {
    const guarded = { ...place, slot: this.#freeSlots.pop() ?? this.#known.size };
    this.#known.set(guarded.slot, guarded);
    this.#tell(guarded);
    return guarded;
  }

  /** After addresses have been taken off. */
  remove(places: readonly GuardedPlace[]): void {
    for (const { slot } of places) {
      if (!this.#known.delete(slot)) continue;
      this.#guard?.drop(slot);
      this.#freeSlots.push(slot);
    }
  }

  /** Maintenance: whether it leaves addresses alone. */
  keep(keeps: boolean): void {
    if (this.#isKeeping === keeps) return;
    this.#isKeeping = keeps;
    this.#guard?.keep(keeps);
  }

  /** Whether it ends without last words. */
  hush(isSilent: boolean): void {
    if (this.#isSilent === isSilent) return;
    this.#isSilent = isSilent;
    this.#guard?.say(this.#lastWords);
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  get #lastWords(): Uint8Array | undefined {
    return this.#isSilent ? undefined : this.#session?.lastWords;
  }

  #start(): void {
    const { socketFd } = this.#session!;
    const lastWords = this.#lastWords;
    const guard = new Guard({ socketFd, lastWords, mode: this.mode, onGone: () => this.#replace(guard) });
    this.#guard = guard;
    guard.keep(this.#isKeeping);
    for (const place of this.#known.values()) this.#tell(place);
  }

  #tell({ slot, placed, deviceName }: GuardedPlace): void {
    this.#guard?.hold(slot, `${placed.text}/${placed.prefixBits} dev ${deviceName}`);
  }

  #replace(gone: Guard): void {
    if (this.#guard !== gone) return;
    this.#guard = undefined;
    this.#timer = setTimeout(() => {
      if (this.#guard === undefined && this.#session !== undefined) this.#startAnew(gone);
    }, AGAIN_MS);
  }

  #startAnew({ pid }: Guard): void {
    try {
      this.#start();
      this.onTrouble(`the guard of the held addresses (process ${pid}) has died: another one has taken its place`);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.onTrouble(`${error.message}; until it can be, only leases protect from a death of this process`);
    }
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#guard?.end();
    this.#guard = undefined;
    if (this.#session !== undefined) libc().close(this.#session.socketFd);
    this.#session = undefined;
  }
}
