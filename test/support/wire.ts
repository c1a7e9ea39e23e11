// A network of this test's own: the test process moves into a network namespace that has one cable, to a namespace where somebody else lives. Both vanish with the
// processes in them, whatever happens; nothing is written anywhere. Needs root: elsewhere such tests say loudly that they were skipped.
import { dlopen } from "bun:ffi";
import { closeSync, openSync } from "node:fs";

const CLONE_NEWNET = 0x40000000;
const libc = dlopen("libc.so.6", {
  unshare: { args: ["i32"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
}).symbols;

/** Moves this process into the network of an open /proc/PID/ns/net: sockets that are opened in it stay there. */
export function enterNetwork(fd: number): void {
  if (libc.setns(fd, CLONE_NEWNET) < 0) throw new Error("cannot enter a network namespace");
}

/** Whether this process may make network namespaces. For `describe.if(hasNamespaces)`. */
export const hasNamespaces =
  process.getuid?.() === 0 &&
  Bun.spawnSync(["unshare", "-n", "ip", "link"], { stdio: ["ignore", "ignore", "ignore"] }).success;
if (!hasNamespaces) process.stderr.write("SKIP: no network namespaces (not root, or no unshare and ip)\n");

/** Dispose of it to be back in the network one came from. */
export class Wire implements Disposable {
  /** The devices: ours is "near0", theirs "far0". */
  readonly #home = openSync("/proc/thread-self/ns/net", "r");
  readonly #holder: Bun.Subprocess;
  readonly #far: number;
  readonly #near: number;

  constructor() {
    if (libc.unshare(CLONE_NEWNET) < 0) throw new Error("cannot make a network namespace");
    this.#near = openSync("/proc/thread-self/ns/net", "r");
    // The far end's namespace lives as long as this process, which ends with our end of the pipe.
    libc.unshare(CLONE_NEWNET);
    this.#holder = Bun.spawn(["cat"], { stdio: ["pipe", "ignore", "ignore"] });
    this.#far = openSync("/proc/thread-self/ns/net", "r");
    enterNetwork(this.#near);
    this.near(`ip link add near0 type veth peer name far0 netns ${this.#holder.pid}`);
    this.near("ip link set lo up");
    this.near("ip link set near0 addrgenmode none address 02:00:00:00:00:01 up");
    this.near("ip address add 192.0.2.1/24 dev near0");
    this.near("ip address add 2001:db8::1/64 dev near0 nodad");
    this.far("ip link set far0 addrgenmode none address 02:00:00:00:00:02 up");
    this.far("ip address add 192.0.2.2/24 dev far0");
    this.far("ip address add 2001:db8::2/64 dev far0 nodad");
    while (!this.near("ip link show near0").includes("state UP")); // the kernel takes its time to see the other end
    while (!this.far("ip link show far0").includes("state UP"));
  }

  /** Runs a command at our end. */
  near(command: string): string {
    return run(command);
  }

  /** Runs a command at the far end. */
  far(command: string): string {
    return this.inFar(() => run(command));
  }

  /** Does something at the far end: sockets that are opened in it stay there. */
  inFar<T>(work: () => T): T {
    enterNetwork(this.#far);
    try {
      return work();
    } finally {
      enterNetwork(this.#near);
    }
  }

  /** Our end's addresses, one a line, as `ip -o address` shows them. */
  addresses(): string {
    return this.near("ip -o address show dev near0");
  }

  [Symbol.dispose](): void {
    enterNetwork(this.#home);
    this.#holder.kill("SIGKILL");
    for (const fd of [this.#home, this.#near, this.#far]) closeSync(fd);
  }
}

function run(command: string): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync(command.split(" "));
  if (exitCode !== 0) throw new Error(`${command}: status ${exitCode}: ${stderr.toString()}`);
  return stdout.toString();
}
