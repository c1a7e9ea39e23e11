// A systemd of the test's own: the first process of namespaces in which it finds units, /dev, /run, /var and /etc/default of the test's, and nothing of the host's. All of
// it goes with the process that made it; a group of processes below the test's own in cgroup2 is removed at the end.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, start } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { eventually } from "../syslogd/running.ts";

const PROGRAM = "/lib/systemd/systemd";
/** Names that units order themselves by; the real ones would start half of a host. */
const STUBS = ["sysinit", "basic", "shutdown", "sockets", "network", "multi-user"].map((name) => `${name}.target`);

const SCRIPT = `
set -e
units=$1 files=$2
mount --make-rprivate /
mkdir -p $files/dev $files/etc-default $files/log $files/lib
mount -t tmpfs tmpfs $files/dev
cd $files/dev
for node in null zero full random urandom tty kmsg; do touch $node; mount --bind /dev/$node $node; done
mkdir pts shm mqueue; mknod -m 600 console c 1 3; ln -s pts/ptmx ptmx; ln -s /proc/self/fd fd
mount -t devpts -o newinstance,ptmxmode=0666 devpts pts
mount --rbind $files/dev /dev
mount --bind $files/etc-default /etc/default
mount --bind $files/log /var/log
mount --bind $files/lib /var/lib
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/journal
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t proc proc /proc
cd /
exec env -i PATH="$PATH" container=test SYSTEMD_UNIT_PATH=$units \\
  ${PROGRAM} --system --unit=multi-user.target --log-target=null --show-status=no
`;

/** Where cgroup2 is on this host, if anywhere. */
function unifiedCgroups(): string | undefined {
  const line = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .find((one) => one.split(" ")[2] === "cgroup2");
  return line?.split(" ")[1];
}

/** Deepest first: as they can be removed. */
function groupsBelow(path: string): readonly string[] {
  const below = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...below.flatMap(({ name }) => groupsBelow(join(path, name))), path];
}

function isRemoved(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether one can be had here. For `describe.if(hasSystemd)`. */
export const hasSystemd =
  process.getuid?.() === 0 &&
  existsSync(PROGRAM) &&
  unifiedCgroups() !== undefined &&
  Bun.spawnSync(["unshare", "-m", "-p", "-f", "-u", "-i", "-n", "-C", "true"], {
    stdio: ["ignore", "ignore", "ignore"],
  }).success;
if (!hasSystemd)
  process.stderr.write("SKIP: no systemd of our own (not root, no systemd, no cgroup2 or no namespaces)\n");

export class Systemd implements AsyncDisposable {
  readonly #scratch = temporaryDirectory();
  readonly #group: string;
  readonly #child: Child;
  #pid = 0;

  private constructor(units: Readonly<Record<string, string>>, defaults: Readonly<Record<string, string>>) {
    const at = (name: string) => join(this.#scratch.path, name);
    for (const name of ["units", "files", "files/etc-default"]) mkdirSync(at(name));
    for (const name of STUBS) writeFileSync(at(`units/${name}`), "[Unit]\nDefaultDependencies=no\n");
    for (const [name, text] of Object.entries(units)) writeFileSync(at(`units/${name}`), text);
    for (const [name, text] of Object.entries(defaults)) writeFileSync(at(`files/etc-default/${name}`), text);
    this.#group = join(unifiedCgroups()!, `spreadbox-test-${process.pid}`);
    mkdirSync(this.#group, { recursive: true });
    const enter = `echo $$ >"$0/cgroup.procs"; exec unshare -m -p -f --kill-child -u -i -n -C sh -c "$@"`;
    this.#child = start(["sh", "-c", enter, this.#group, SCRIPT, "systemd", at("units"), at("files")]);
  }

  /** @param units by their full names; what is to run is wanted by multi-user.target or started later @param defaults files of /etc/default, by name */
  static async start(
    units: Readonly<Record<string, string>>,
    defaults: Readonly<Record<string, string>>,
  ): Promise<Systemd> {
    const systemd = new Systemd(units, defaults);
    try {
      await eventually(
        () => systemd.#find(),
        () => `no systemd: ${systemd.#child.stderr.text}`,
      );
      await systemd.until("systemctl is-active multi-user.target", "active\n");
      return systemd;
    } catch (error) {
      await systemd[Symbol.asyncDispose]();
      throw error;
    }
  }

  #find(): boolean {
    const { pid } = this.#child;
    this.#pid = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ")[0]);
    return this.#pid > 0 && readFileSync(`/proc/${this.#pid}/comm`, "latin1") === "systemd\n";
  }

  /** Runs a command of the shell's in there. */
  async run(command: string) {
    const entering = ["nsenter", "-t", String(this.#pid), "-m", "-p", "-u", "-i", "-n", "-C"];
    await using child = start([...entering, "sh", "-c", command]);
    return await child.result();
  }

  /** Until a command prints this. */
  async until(command: string, stdout: string | RegExp, waitMs = 20_000): Promise<void> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const found = await this.run(command);
      if (typeof stdout === "string" ? found.stdout === stdout : stdout.test(found.stdout)) return;
      if (performance.now() > deadline)
        throw new Error(
          `${command}: waited for ${stdout}, found ${found.stdout}${found.stderr}${(await this.run("systemctl status --no-pager -l '*.service'")).stdout}`,
        );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    await eventually(
      () => groupsBelow(this.#group).every(isRemoved), // busy until the last process is buried
      () => "processes are left",
    );
    this.#scratch[Symbol.dispose]();
  }
}
