// Who holds which address, as each host's own kernel tells it: one netlink socket in each host's namespace, all read here. The kernel does not say when: what is read later may have
// been sooner. So before anybody is noted as a holder, all other sockets are read: whoever had let go by then is noted first, however late this process is.
import { closeSync, openSync } from "node:fs";
import { NetlinkMonitor, RTMGRP_IPV4_ADDRESS, RTMGRP_IPV6_ADDRESS } from "../../lib/linux/netlink-socket.ts";
import { RTM_DELADDR, RTM_NEWADDR, readAddress } from "../../lib/linux/rtnetlink.ts";
import { allButMarked } from "../../lib/linux/socket-filter.ts";
import { systemClock } from "../../lib/run/clock.ts";
import { enterNetwork } from "../support/wire.ts";
import type { HoldChange } from "./timeline.ts";

/** A mark that nobody uses: nothing is left out. */
const NO_MARK = 0xff;

export class Ownership implements Disposable {
  readonly changes: HoldChange[] = [];
  readonly #monitors: NetlinkMonitor[] = [];
  readonly #holders = new Map<string, Set<string>>();
  readonly #waiting = new Set<() => void>();
  #isDraining = false;

  /** @param addresses those that count; nobody may have them yet */
  constructor(
    hosts: readonly { readonly name: string; readonly pid: number }[],
    private readonly addresses: ReadonlySet<string>,
  ) {
    const home = openSync("/proc/thread-self/ns/net", "r");
    for (const { name, pid } of hosts) {
      const there = openSync(`/proc/${pid}/ns/net`, "r");
      enterNetwork(there);
      try {
        this.#monitors.push(this.#monitor(name));
      } finally {
        enterNetwork(home);
        closeSync(there);
      }
    }
    closeSync(home);
  }

  holders(address: string): readonly string[] {
    return [...(this.#holders.get(address) ?? [])];
  }

  /** Resolves as soon as it holds; asked after every change. */
  async until(what: string, holds: () => boolean, waitMs = 60_000): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const held = [...this.addresses].map((address) => `${address}: ${this.holders(address)}`).join("; ");
        reject(new Error(`waited ${waitMs} ms for ${what}; held: ${held}`));
      }, waitMs);
      this.#waiting.add(look);
    });
  }

  [Symbol.dispose](): void {
    for (const monitor of this.#monitors) monitor[Symbol.dispose]();
  }

  #monitor(host: string): NetlinkMonitor {
    const monitor: NetlinkMonitor = new NetlinkMonitor(
      RTMGRP_IPV4_ADDRESS | RTMGRP_IPV6_ADDRESS,
      allButMarked(NO_MARK),
      {
        changed: (reader) => {
          if (reader.type !== RTM_NEWADDR && reader.type !== RTM_DELADDR) return;
          const holds = reader.type === RTM_NEWADDR;
          const record = readAddress(reader);
          if (record === undefined || !this.addresses.has(record.text)) return;
          if (holds) this.#drainOthers(monitor);
          this.#note(host, record.text, holds);
        },
        lost: () => {
          throw new Error(`${host}: notifications were lost`);
        },
        turnEnded: () => {
          for (const look of [...this.#waiting]) look();
        },
      },
    );
    return monitor;
  }

  #drainOthers(reading: NetlinkMonitor): void {
    if (this.#isDraining) return; // one of them is being read just now
    this.#isDraining = true;
    for (const monitor of this.#monitors) if (monitor !== reading) monitor.drain();
    this.#isDraining = false;
  }

  #note(host: string, address: string, holds: boolean): void {
    const holders = this.#holders.get(address) ?? new Set();
    this.#holders.set(address, holders);
    if (holders.has(host) === holds) return; // a renewal
    if (holds) holders.add(host);
    else holders.delete(host);
    this.changes.push({ atMs: systemClock.monotonicMs(), host, address, holds });
  }
}
