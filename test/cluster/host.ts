// A host of the cluster, with what runs on it by name.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { openSession, type SessionOptions } from "../../lib/spread/index.ts";
import { binary } from "../support/binary.ts";
import { type Child, type ChildOptions, WAIT_MS } from "../support/child.ts";
import { spreadPrefix } from "../support/real-spread.ts";
import { lastRing } from "./corosync.ts";
import { type Namespace, standsStill } from "./namespace.ts";
import { COROSYNC } from "./requirements.ts";

/** How a service is started, to start it again. */
interface Service {
  readonly command: readonly string[];
  readonly options: ChildOptions;
  /** What it says when it serves, on either stream; `undefined`: not waited for. */
  readonly ready: string | RegExp | undefined;
  child: Child;
  /** What its former lives said. */
  before: string;
}

export interface ServiceOptions extends ChildOptions {
  readonly ready?: string | RegExp;
}

export class Host {
  readonly #services = new Map<string, Service>();

  constructor(
    readonly namespace: Namespace,
    /** corosync's node id; its address ends with it. */
    readonly id: number,
    readonly address: string,
    readonly address6: string,
  ) {}

  get name(): string {
    return this.namespace.name;
  }

  // --- files and programs ---

  /** Where a file of the host is found from outside. */
  path(path: string): string {
    return this.namespace.path(path);
  }

  write(path: string, text: string | Uint8Array, mode = 0o644): void {
    const outside = this.path(path);
    mkdirSync(dirname(outside), { recursive: true });
    writeFileSync(outside, text, { mode });
  }

  async read(path: string): Promise<string> {
    return await Bun.file(this.path(path)).text();
  }

  /** Starts a program that no fault is aimed at. Ended with the host at the latest. */
  start(command: readonly string[], options?: ChildOptions): Child {
    return this.namespace.start(command, options);
  }

  /** Runs a program to its end. */
  async exec(command: readonly string[], options?: ChildOptions) {
    await using child = this.start(command, options);
    return await child.result();
  }

  /** Runs a program to its end and gives what it printed. @throws where its status is not 0 */
  async output(command: readonly string[], options?: ChildOptions): Promise<string> {
    const { status, stdout, stderr } = await this.exec(command, options);
    if (status !== 0) throw new Error(`${this.name}: ${command.join(" ")}: status ${status}: ${stderr || stdout}`);
    return stdout;
  }

  /** Runs our executable to its end. */
  async spreadbox(args: readonly string[], options?: ChildOptions) {
    return await this.exec([binary(), ...args], options);
  }

  // --- services ---

  /** Starts a service; resolves when it says that it serves. */
  async run(name: string, command: readonly string[], { ready, ...options }: ServiceOptions = {}): Promise<Child> {
    const child = this.start(command, options);
    this.#services.set(name, { command, options, ready, child, before: "" });
    await this.#served(name);
    return child;
  }

  /** corosync, by /etc/corosync/corosync.conf. Its ring is awaited by `ring`. */
  async corosync(): Promise<Child> {
    return await this.run("corosync", [COROSYNC, "-f"]);
  }

  /** The real daemon, of a ring of `hosts`. */
  async realSpread(hosts: readonly Host[], more = ""): Promise<Child> {
    const members = hosts.map(({ name, address }) => `  ${name} ${address}\n`).join("");
    this.write(
      "/etc/spread.conf",
      `Spread_Segment 10.7.0.255:4803 {\n${members}}\nSocketPortReuse = on\nRuntimeDir = /run\nDaemonUser = root\nDaemonGroup = root\n${more}`,
    );
    const command = [`${spreadPrefix}/sbin/spread`, "-c", "/etc/spread.conf", "-n", this.name];
    const child = await this.run("spread", command);
    await using session = openSession({ servers: `unix:${this.path("/tmp/4803")}` });
    await session.join("up"); // it shakes hands at once, and answers joins when its ring stands
    for await (const event of session) if (event.kind === "view") break;
    return child;
  }

  /** One of our services, by /etc/spreadbox/spreadbox.toml, which gets `config` where that is given. */
  async service(name: "spreadd" | "syslogd" | "mole", config?: string, options: ServiceOptions = {}): Promise<Child> {
    if (config !== undefined) this.write("/etc/spreadbox/spreadbox.toml", config);
    const ready = name === "spreadd" ? { ready: "listens on" } : {};
    return await this.run(name, [binary(), name], { ...ready, ...options });
  }

  /** The running service's process. */
  child(name: string): Child {
    return this.#service(name).child;
  }

  /** What a library session needs to be one of this host's daemon, from the test's own process. */
  get session(): SessionOptions {
    return { servers: `unix:${this.path("/run/spreadbox/spread.sock")}` };
  }

  /** Resolves when this host's corosync sees just these hosts in its ring. */
  async ring(hosts: readonly Host[], waitMs = WAIT_MS): Promise<void> {
    const wanted = hosts.map(({ id }) => id).sort((a, b) => a - b);
    const { stderr } = this.child("corosync");
    await stderr.until((log) => lastRing(log)?.join() === wanted.join(), waitMs);
  }

  // --- faults ---

  /** Ends a service at once. */
  async kill(name: string): Promise<void> {
    await this.#end(name, "SIGKILL");
  }

  /** Ends a service in order. */
  async stop(name: string): Promise<void> {
    await this.#end(name, "SIGTERM");
  }

  /** Starts a service again that was killed or stopped, as it was. @param isAwaited it is waited for until it serves */
  async again(name: string, isAwaited = true): Promise<void> {
    const service = this.#service(name);
    service.before += service.child.stderr.text;
    service.child = this.start(service.command, service.options);
    if (isAwaited) await this.#served(name);
  }

  /** All that a service has said on stderr, in all its lives. */
  said(name: string): string {
    const { before, child } = this.#service(name);
    return before + child.stderr.text;
  }

  /** Stops a service where it is; resolves when it stands still. */
  async freeze(name: string): Promise<void> {
    const child = this.child(name);
    child.signal("SIGSTOP");
    await standsStill(child.pid);
  }

  thaw(name: string): void {
    this.child(name).signal("SIGCONT");
  }

  /** All processes of the host; the kernel goes on. */
  async freezeAll(): Promise<void> {
    await Promise.all(this.namespace.signalAll("SIGSTOP").map(standsStill));
  }

  thawAll(): void {
    this.namespace.signalAll("SIGCONT");
  }

  /** All processes of the host, as when power is lost. Its addresses stay with the kernel: pull the cable first. */
  async killAll(): Promise<void> {
    this.namespace.signalAll("SIGKILL");
    await Promise.all([...this.#services.values()].map(({ child }) => child.exited));
  }

  /** Starts all services again, in the order they were started in first. */
  async againAll(isAwaited = true): Promise<void> {
    for (const name of this.#services.keys()) await this.again(name, isAwaited);
  }

  #service(name: string): Service {
    const service = this.#services.get(name);
    if (service === undefined) throw new Error(`${this.name}: no ${name} was started here`);
    return service;
  }

  async #end(name: string, signal: NodeJS.Signals): Promise<void> {
    const { child } = this.#service(name);
    child.signal(signal);
    if (signal !== "SIGKILL") child.signal("SIGCONT"); // a frozen one would never hear it
    await child.exited;
  }

  async #served(name: string): Promise<void> {
    const { child, ready } = this.#service(name);
    if (ready === undefined) return;
    const said = [child.stderr.until(ready), child.stdout.until(ready)];
    try {
      await Promise.any(said);
    } catch (error) {
      throw new Error(`${this.name}: ${name} does not serve: ${child.stderr.text}`, { cause: error });
    }
  }
}
