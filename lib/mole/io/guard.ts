// The guard: a small process that outlives us, and takes our addresses off when we die.
//
// It is a shell that holds a duplicate of the session's socket. So the daemon sees no end of the session when this process dies, and the others do not learn of it,
// until the guard has removed the addresses: then it sends the last words, if there are any, and goes. What is held it reads from a pipe that only we write to; the
// end of that pipe, however it comes, is our death. It ignores the signals that end services (systemd's watchdog sends ABRT to all of a
// service's processes), and is in a session of its own.
//
//   + SLOT ADDRESS/BITS dev DEVICE   is held from now on (written before it is put on)
//   - SLOT                           is not (written after it was taken off)
//   words OCTAL                      bytes for the socket, as printf's %b takes them
//   keep / lease                     maintenance: leave addresses alone, or not
//   end                              a live process has ended the session: nothing to do any more
import { Fault } from "../../base/fault.ts";
import { errno, libc } from "../../linux/libc.ts";
import { openPipe } from "../../linux/pipe.ts";

const SCRIPT = `
trap '' HUP INT QUIT ABRT TERM USR1 USR2 ALRM PIPE TSTP
{ echo -1000 >/proc/$$/oom_score_adj; } 2>/dev/null
most=0 keep= words=
while read -r word slot rest; do
  case $word in
    +) eval "held_$slot=\\$rest"; [ "$slot" -lt "$most" ] || most=$((slot + 1)) ;;
    -) unset "held_$slot" ;;
    words) words=$slot ;;
    keep) keep=yes ;;
    lease) keep= ;;
    end) exit 0 ;;
  esac
done
[ -z "$keep" ] || exit 0
batch= slot=0
while [ "$slot" -lt "$most" ]; do
  eval "held=\\\${held_$slot-}"
  slot=$((slot + 1))
  [ -n "$held" ] || continue
  if [ "$1" = batch ]; then batch="$batch
address del $held"
  else ip address del $held 2>/dev/null; fi
done
[ -z "$batch" ] || ip -force -batch - 2>/dev/null <<END
$batch
END
[ -z "$words" ] || printf %b "$words" >&3
`;

/** A frame of the group's with a few hundred bytes. What is longer than a pipe holds, five characters a byte, would never get to the shell: it is left out. */
const LAST_WORDS_BYTES_MAX = 8_192;

const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** How `ip` takes many deletions: in one go, or (busybox) one by one. */
export type IpMode = "batch" | "single";

/** @returns `undefined` where `sh` or `ip` is not there, or doesn't work */
export function ipMode(): IpMode | undefined {
  const runs = (...command: string[]): boolean => {
    try {
      return Bun.spawnSync(command, { env: ENVIRONMENT, stdio: ["ignore", "ignore", "ignore"] }).exitCode === 0;
    } catch {
      return false;
    }
  };
  if (!runs("sh", "-c", "exit 0")) return undefined;
  if (runs("ip", "-batch", "/dev/null")) return "batch";
  return runs("ip", "address", "show") ? "single" : undefined;
}

export interface GuardOptions {
  /** Of the session's socket: the guard gets a duplicate. */
  readonly socketFd: number;
  readonly lastWords: Uint8Array | undefined;
  readonly mode: IpMode;
  /** It ended though nobody asked it to. */
  readonly onGone: () => void;
}

export class Guard {
  readonly #pipe: number;
  #isOver = false;

  /** @throws {Fault} it could not be started */
  constructor(private readonly options: GuardOptions) {
    const { readFd, writeFd } = openPipe();
    this.#pipe = writeFd;
    try {
      const child = Bun.spawn(["sh", "-c", SCRIPT, "mole-guard", options.mode], {
        stdio: [readFd, "ignore", "ignore", options.socketFd],
        cwd: "/",
        env: ENVIRONMENT,
        detached: true,
      });
      this.pid = child.pid;
      child.unref();
      void child.exited.then(() => this.#gone());
    } catch (error) {
      libc().close(writeFd);
      const text = error instanceof Error ? error.message : String(error);
      throw new Fault("os", "guard", `cannot start the guard of the held addresses: ${text}; is sh installed?`);
    } finally {
      libc().close(readFd);
    }
    this.say(options.lastWords);
  }

  readonly pid: number;

  hold(slot: number, text: string): boolean {
    return this.#write(`+ ${slot} ${text}\n`);
  }

  drop(slot: number): void {
    this.#write(`- ${slot}\n`);
  }

  /** What it says when the addresses are gone; `undefined`: nothing. */
  say(words: Uint8Array | undefined): void {
    const fits = words !== undefined && words.length <= LAST_WORDS_BYTES_MAX;
    this.#write(fits ? `words ${octal(words)}\n` : "words\n");
  }

  /** Whether it leaves addresses alone. */
  keep(keeps: boolean): void {
    this.#write(keeps ? "keep\n" : "lease\n");
  }

  /** Ends it; it leaves addresses alone. */
  end(): void {
    if (this.#isOver) return;
    this.#write("end\n");
    this.#close();
  }

  #gone(): void {
    if (this.#isOver) return;
    this.#close();
    this.options.onGone();
  }

  #close(): void {
    this.#isOver = true;
    libc().close(this.#pipe);
  }

  /** In whole lines, or not at all: a guard that reads no more is as good as none, and ends. */
  #write(line: string): boolean {
    if (this.#isOver) return false;
    const bytes = new TextEncoder().encode(line);
    for (let at = 0; at < bytes.length; ) {
      const rest = bytes.subarray(at);
      const took = Number(libc().write(this.#pipe, rest, rest.length));
      if (took < 0) {
        void errno();
        try {
          process.kill(this.pid, "SIGKILL");
        } catch {
          // it is gone already
        }
        return false;
      }
      at += took;
    }
    return true;
  }
}

/** For printf's %b: every byte as \0ooo. */
function octal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join("");
}
