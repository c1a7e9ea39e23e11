// A host: a process that keeps a network, a mount and a host name of its own. Nothing gets a name in the machine's own namespaces and nothing is left
// there: clusters may run side by side, and when the keeper's stdin closes (its test ended, failed or was killed) it kills all that lives in its
// namespaces and goes, and the namespaces with it.

import { readdirSync, readlinkSync } from "node:fs";
import { projectRoot } from "../support/binary.ts";
import { type Child, type ChildOptions, start } from "../support/child.ts";
import { systemPath } from "./requirements.ts";

/** What a host has for itself; what is in /etc at the start is copied. */
const KEEPER = `
set -e
exec 3<"$PROJECT"
[ ! -d /var/lib/dpkg ] || exec 4</var/lib/dpkg
hostname "$HOST"
mount -t tmpfs -o mode=755 "$HOST" /run
cp -a /etc /run/etc.before
mkdir /run/dev.before
mount --rbind /dev /run/dev.before
for place in "755 /etc" "755 /dev" "1777 /tmp" "755 /var/log" "755 /var/lib" "755 /var/spool" "755 /usr/local/bin"; do
  mkdir -p "\${place#* }"
  echo "$HOST \${place#* } tmpfs mode=\${place%% *} 0 0"
done >/run/places
mount -a -T /run/places
cp -a /run/etc.before/. /etc/
mkdir -p /dev/net /dev/shm /dev/pts
for device in null zero full random urandom tty kmsg ptmx net/tun pts; do # /dev/log is this host's own
  [ -e "/run/dev.before/$device" ] || continue
  [ -d "/dev/$device" ] || : >"/dev/$device"
  echo "/run/dev.before/$device /dev/$device none bind 0 0"
done >/run/devices
echo "$HOST /dev/shm tmpfs mode=1777 0 0" >>/run/devices
mount -a -T /run/devices
ln -s /proc/self/fd /dev/fd
umount -l /run/dev.before
rm -r /run/etc.before /run/dev.before /run/places /run/devices
mkdir -p /run/netns /run/lock /run/corosync /var/lib/corosync /var/log/corosync /etc/corosync
rm -f /etc/corosync/authkey
if [ -e /proc/$$/fd/4 ]; then # which packages there are, to read
  mkdir /var/lib/dpkg
  mount -c --bind -o ro /proc/$$/fd/4 /var/lib/dpkg
  exec 4<&-
fi
if [ ! -e "$PROJECT/package.json" ]; then # the checkout itself lies in what we just hid
  mkdir -p "$PROJECT"
  mount -c --bind /proc/$$/fd/3 "$PROJECT"
fi
exec 3<&-
echo "$HOSTS_FILE" >>/etc/hosts
ip link set lo up
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad 2>/dev/null || true
echo ready
read -r line || true
set +e
while :; do
  found=
  for process in /proc/[0-9]*; do
    pid=\${process#/proc/}
    [ "$pid" = $$ ] && continue
    [ "$process/ns/mnt" -ef /proc/$$/ns/mnt ] && kill -9 "$pid" 2>/dev/null && found=1
  done
  [ -z "$found" ] && exit 0
done
`;

/** What to know of a namespace. */
export interface NamespaceOptions {
  /** Its host name. */
  readonly name: string;
  /** Lines for /etc/hosts. */
  readonly hosts?: string;
}

export class Namespace {
  private constructor(
    readonly name: string,
    private readonly keeper: Child,
  ) {}

  static async open({ name, hosts = "" }: NamespaceOptions): Promise<Namespace> {
    const env = { PATH: systemPath(), PROJECT: projectRoot, HOST: name, HOSTS_FILE: hosts };
    const command = ["unshare", "-m", "-n", "-u", "--propagation", "private", "sh", "-c", KEEPER];
    const keeper = start(command, { env, stdin: "open" });
    try {
      await keeper.stdout.until("ready\n");
    } catch (error) {
      const { stderr } = await keeper.result();
      throw new Error(`cannot make host ${name}: ${stderr}`, { cause: error });
    }
    return new Namespace(name, keeper);
  }

  /** The process whose namespaces they are. */
  get pid(): number {
    return this.keeper.pid;
  }

  /** Where a file of this host is found from outside. Good for unix sockets, too. */
  path(path: string): string {
    return `/proc/${this.pid}/root${path}`;
  }

  /** The command that runs another in here; the process is the same (no fork). */
  enter(command: readonly string[]): string[] {
    return ["nsenter", "-t", String(this.pid), "-m", "-n", "-u", "--", ...command];
  }

  /** Starts a program in here. */
  start(command: readonly string[], options: ChildOptions = {}): Child {
    return start(this.enter(command), { ...options, env: { PATH: systemPath(), ...options.env } });
  }

  /** All processes in here but the keeper. */
  processes(): number[] {
    const own = namespaceOf(this.pid);
    if (own === undefined) return []; // the keeper is gone, and zombies have no namespace either
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0 && pid !== this.pid && namespaceOf(pid) === own);
  }

  /** Sends a signal to all processes in here, also to those that are just being made. @returns whom */
  signalAll(signal: NodeJS.Signals): number[] {
    const told = new Set<number>();
    for (;;) {
      const fresh = this.processes().filter((pid) => !told.has(pid));
      if (fresh.length === 0) return [...told];
      for (const pid of fresh) {
        told.add(pid);
        try {
          process.kill(pid, signal);
        } catch {
          // it has ended meanwhile
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.keeper.stdin.end();
    await this.keeper.exited;
  }
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined; // ended, or a zombie
  }
}

/** Resolves when a process that got SIGSTOP is stopped, or has ended. */
export async function standsStill(pid: number): Promise<void> {
  for (;;) {
    const state = await stateOf(pid);
    if (state === "T" || state === "Z" || state === undefined) return;
    await Bun.sleep(1);
  }
}

/** The letter of proc(5); `undefined` where there is no such process. */
export async function stateOf(pid: number): Promise<string | undefined> {
  const text = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => "");
  return /\) (\w)/.exec(text)?.[1];
}
