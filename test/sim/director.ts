// Plays a history: starts the cluster, strikes it with each fault at its time, undoes what passes, makes peace at the end and demands that all come to rest.
import { define } from "../../lib/mole/definition.ts";
import type { HostConfig } from "../../lib/mole/event.ts";
import type { Cluster } from "./cluster.ts";
import { type Fault, type History, letter } from "./fault.ts";
import type { GroupSession } from "./group-service.ts";
import type { Payload } from "./host.ts";

/** A fault that is aimed at a moment comes to nothing where none comes within so long. */
const LATEST_MS = 1_000;

export class Director {
  private readonly strangers: { session: GroupSession<Payload>; name: string }[] = [];
  private readonly config: HostConfig;
  /** By host. */
  private readonly times: readonly HostConfig["times"][];

  constructor(
    private readonly cluster: Cluster,
    private readonly history: History,
    private readonly trace: ((line: string) => void) | undefined,
  ) {
    this.config = cluster.hosts[0]!.config;
    this.times = cluster.hosts.map(({ config }) => config.times);
  }

  play(): void {
    const { cluster } = this;
    cluster.startAll();
    cluster.settle(8_000);
    const startMs = cluster.nowMs;
    let endMs = startMs;
    for (const { atMs, forMs, on } of this.history.faults)
      endMs = Math.max(endMs, startMs + atMs + forMs + (on === undefined ? 0 : LATEST_MS));
    for (const fault of this.history.faults) {
      const { on } = fault;
      cluster.clockwork.at(startMs + fault.atMs, () => {
        if (on === undefined) this.strikeNow(fault);
        else cluster.whenNext(on, (host) => this.aim(fault, host, endMs));
      });
    }
    cluster.run(endMs - startMs + 50);
    this.makePeace();
    if (this.history.faults.some(({ kind }) => kind === "maintenance")) {
      // The `off` may have gone to a host that could not pass it on: the operator says it again.
      cluster.run(3_000);
      // Giving up what an absent host holds is for one that is known to be down: not for one that is only cut off or frozen.
      const force = this.history.left === "nothing" || this.history.left === "stranger";
      for (const host of cluster.hosts) if (!host.isFrozen) host.command({ do: "maintenance", on: false, force });
    }
    cluster.settle(20_000);
    if (this.history.left === "nothing" && this.history.seed % 4 === 0) cluster.balance(30_000);
  }

  /** Within a millisecond or two of the moment, at its host, the next or the one that was drawn. */
  private aim(fault: Fault, { index }: Cluster["hosts"][number], endMs: number): void {
    const { cluster } = this;
    const host = [index, index + 1, fault.host][fault.with % 3]!;
    cluster.clockwork.after((fault.with % 8) * 0.3, () => {
      if (cluster.nowMs + fault.forMs <= endMs) this.strikeNow({ ...fault, host });
    });
  }

  private strikeNow(fault: Fault): void {
    const { cluster } = this;
    this.trace?.(`${cluster.nowMs.toFixed(0)} ** ${fault.kind} ${letter(fault.host)} ${fault.forMs} (${fault.with})`);
    this.strike(fault);
  }

  private strike(fault: Fault): void {
    const { cluster } = this;
    const { service } = cluster;
    const host = cluster.hosts[fault.host % cluster.hosts.length]!;
    const vip = this.config.definitions[fault.with % this.config.definitions.length]!;
    const later = (undo: () => void) =>
      cluster.clockwork.after(fault.forMs, () => {
        this.trace?.(`${cluster.nowMs.toFixed(0)} ** end of ${fault.kind} ${letter(fault.host)}`);
        undo();
      });
    switch (fault.kind) {
      case "kill":
        host.kill();
        later(() => host.start());
        return;
      case "kill hard":
        host.hasGuard = false;
        host.kill();
        host.hasGuard = true;
        later(() => host.start());
        return;
      case "kill others": {
        const others = cluster.hosts.filter((one) => one !== host);
        for (const other of others) other.kill();
        later(() => {
          for (const other of others) other.start();
        });
        return;
      }
      case "crash":
        host.crash();
        service.crash(host.daemon);
        later(() => {
          service.restart(host.daemon);
          host.start();
        });
        return;
      case "freeze":
        host.freeze();
        later(() => host.thaw());
        return;
      case "freeze daemon":
        service.freeze(host.daemon);
        later(() => service.thaw(host.daemon));
        return;
      case "kill daemon":
        service.crash(host.daemon);
        later(() => service.restart(host.daemon));
        return;
      case "part": {
        const islands = service.daemons.map((_, at) => (fault.with >> at) & 1);
        service.part(islands);
        later(() => service.part(islands.map(() => 0)));
        return;
      }
      case "kick":
        host.kick();
        return;
      case "slow driver":
        host.driverMs = 20 + (fault.with % 900);
        later(() => {
          host.driverMs = 0.3;
        });
        return;
      case "slow delivery":
        host.daemon.delayMs = 20 + (fault.with % 400);
        later(() => {
          host.daemon.delayMs = 0;
        });
        return;
      case "slow sending":
        host.daemon.sendDelayMs = 5 + (fault.with % 400);
        later(() => {
          host.daemon.sendDelayMs = 0;
        });
        return;
      case "can't acquire":
        host.failsToAcquire = true;
        later(() => {
          host.failsToAcquire = false;
        });
        return;
      case "full disk":
        host.hasFullDisk = true;
        later(() => {
          host.hasFullDisk = false;
        });
        return;
      case "drain":
        host.command({ do: "drain", host: host.name, force: fault.with % 5 === 0 });
        later(() => host.command({ do: "resume", host: host.name }));
        return;
      case "move": {
        const to = cluster.hosts[fault.with % cluster.hosts.length]!;
        host.command({ do: "move", vip: vip.name, host: to.name });
        return;
      }
      case "health":
        host.tellLater({ on: "health", vip: vip.name, ok: false });
        later(() => host.tellLater({ on: "health", vip: vip.name, ok: true }));
        return;
      case "carrier":
        host.tellLater({ on: "carrier", vip: vip.name, up: false });
        later(() => host.tellLater({ on: "carrier", vip: vip.name, up: true }));
        return;
      case "reweigh":
        this.redefine(host, vip.name, () => define({ ...vip, weight: 2 }), later);
        return;
      case "rename":
        this.redefine(host, vip.name, () => define({ ...vip, name: `${vip.name}x` }), later);
        return;
      case "undefine":
        this.redefine(host, vip.name, () => undefined, later);
        return;
      case "relist":
        this.relist((name) => name !== host.name, later);
        return;
      case "relist many":
        this.relist((_, at) => ((fault.with >> at) & 1) === 0, later);
        return;
      case "stranger":
        this.welcomeStranger(host, fault, later);
        return;
      case "stop":
        host.command({ do: "stop" });
        later(() => {
          host.kill();
          host.start();
        });
        return;
      case "balance":
        host.command({ do: "balance" });
        return;
      case "maintenance":
        host.command({ do: "maintenance", on: true, force: false });
        later(() => host.command({ do: "maintenance", on: false, force: false }));
        return;
      case "maintenance off":
        host.command({ do: "maintenance", on: false, force: fault.with % 2 === 0 && this.isWhoIsAwayDown() });
        return;
      case "forget": {
        const other = cluster.hosts[fault.with % cluster.hosts.length]!;
        if (this.isDown(other)) host.command({ do: "forget", host: other.name });
        return;
      }
      case "islands":
        service.part(service.daemons.map((_, at) => Math.floor(fault.with / 3 ** at) % 3));
        later(() => service.part(service.daemons.map(() => 0)));
        return;
      case "retime": {
        const { times } = host.config;
        const leaseMs = times.leaseMs + 1_000 * (1 + (fault.with % 4));
        host.configure({
          ...host.config,
          times: { ...times, leaseMs, silenceMs: times.silenceMs + (fault.with % 3) * 200 },
        });
        later(() => host.configure({ ...host.config, times: this.times[host.index]! }));
        return;
      }
      default:
        fault.kind satisfies never;
    }
  }

  /** What an operator has to know before giving up what absent hosts hold: a mole that has stopped, or is on its way in, leaves its host holding. */
  private isWhoIsAwayDown(): boolean {
    const { hosts } = this.cluster;
    const isHere = ({ machine, isFrozen, daemon }: Cluster["hosts"][number]) =>
      machine?.session?.table !== undefined &&
      !isFrozen &&
      daemon.isRunning &&
      daemon.island === hosts[0]!.daemon.island;
    return hosts.every((host) => this.isDown(host) || isHere(host));
  }

  /** Not its process alone: what that held under maintenance it holds still. */
  private isDown({ isUp, kernel }: Cluster["hosts"][number]): boolean {
    return !isUp && kernel.definitionsHeld(this.cluster.nowMs).length === 0;
  }

  /** On one host, or on all one after the other. */
  private redefine(
    host: Cluster["hosts"][number],
    name: string,
    change: () => HostConfig["definitions"][number] | undefined,
    later: (undo: () => void) => void,
  ): void {
    const { definitions: before } = this.config;
    const definitions = before.flatMap((definition) =>
      definition.name === name ? [change() ?? []].flat() : [definition],
    );
    const { hosts, clockwork, random } = this.cluster;
    // On one host alone, or rolled out over all of them.
    const changed = random() < 0.3 ? [host] : hosts;
    const rollOut = (to: HostConfig["definitions"]) => {
      for (const one of changed)
        clockwork.after(random() * 300, () => one.configure({ ...one.config, definitions: to }));
    };
    rollOut(definitions);
    later(() => rollOut(before));
  }

  /** Hosts are taken off the list of hosts, on one host after the other, and put back. */
  private relist(stays: (name: string, at: number) => boolean, later: (undo: () => void) => void): void {
    const { hosts, clockwork, random } = this.cluster;
    const rollOut = (list: readonly string[]) => {
      for (const one of hosts) clockwork.after(random() * 300, () => one.configure({ ...one.config, ...listed(list) }));
    };
    const { tiebreak } = this.config;
    const listed = (list: readonly string[]) => ({
      hosts: list,
      tiebreak: list.includes(tiebreak ?? "") ? tiebreak : undefined,
    });
    const left = this.config.hosts.filter(stays);
    rollOut(left.length > 0 ? left : this.config.hosts);
    later(() => rollOut(this.config.hosts));
  }

  /** Somebody who has no business here joins the open group, says nothing, and leaves; some do so all the time. */
  private welcomeStranger(host: Cluster["hosts"][number], fault: Fault, later: (undo: () => void) => void): void {
    const { service, clockwork } = this.cluster;
    const { daemon } = host;
    if (!daemon.isRunning) return;
    const name = `stranger${this.strangers.length}.${Math.floor(fault.with)}`;
    const session = service.open(name, daemon, { deliver: () => {} });
    this.strangers.push({ session, name });
    const leave = () => service.close(session, "leave");
    if (fault.with % 3 !== 0) {
      later(leave);
      return;
    }
    // Not so short that no message comes back within a view: then nothing that belongs to one view can be said.
    const { deliveryMs = 1, sendingMs = 0 } = this.cluster.options;
    const stayMs = Math.max(20 + (fault.with % 100), 4 * (deliveryMs + sendingMs));
    clockwork.after(stayMs, leave);
    if (fault.forMs > stayMs)
      clockwork.after(stayMs + 5, () => this.welcomeStranger(host, { ...fault, forMs: fault.forMs - stayMs }, later));
  }

  /** The faults are over: everything is put right again. */
  private makePeace(): void {
    const { cluster, config } = this;
    this.trace?.(`${cluster.nowMs.toFixed(0)} ** peace`);
    const { left, seed } = this.history;
    cluster.service.part(cluster.service.daemons.map((_, at) => (left === "parted" ? (seed >> at) & 1 : 0)));
    for (const { session } of this.strangers) cluster.service.close(session, "leave");
    const unlucky = cluster.hosts[seed % cluster.hosts.length]!;
    for (const daemon of cluster.service.daemons) {
      daemon.delayMs = 0;
      daemon.sendDelayMs = 0;
      if (left === "frozen daemon" && daemon === unlucky.daemon) {
        cluster.service.freeze(daemon);
        continue;
      }
      cluster.service.thaw(daemon);
      cluster.service.restart(daemon);
    }
    if (left.includes("stranger")) {
      const flaps = left.startsWith("flapping") ? 0 : 1;
      const fault: Fault = { atMs: 0, kind: "stranger", host: 0, forMs: 60_000, with: flaps };
      this.welcomeStranger(cluster.hosts[(seed + 1) % cluster.hosts.length]!, fault, () => {});
    }
    for (const host of cluster.hosts) {
      if (left.includes("frozen process") && host === unlucky) {
        host.start();
        host.freeze();
        continue;
      }
      host.thaw();
      host.driverMs = 0.3;
      host.failsToAcquire = false;
      host.hasFullDisk = false;
      host.configure({
        ...host.config,
        definitions: config.definitions,
        hosts: config.hosts,
        tiebreak: config.tiebreak,
        times: this.times[host.index]!,
      });
      host.start();
      for (const { name } of config.definitions) {
        host.tellLater({ on: "health", vip: name, ok: true });
        host.tellLater({ on: "carrier", vip: name, up: true });
      }
    }
  }
}
