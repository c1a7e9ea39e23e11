// keepalived (Debian package) as the system that covers: one VRRP instance a vip, each with another host preferred, as it is commonly set up.
import { readFileSync } from "node:fs";
import type { Host } from "../cluster/host.ts";
import { systemPath } from "../cluster/requirements.ts";
import type { RigVip, System } from "./rig.ts";
import { signalAll } from "./scenarios.ts";

export const KEEPALIVED = Bun.which("keepalived", { PATH: systemPath() });

const PRIORITIES = [150, 140, 130, 120, 110];
const FILE = "/etc/keepalived/keepalived.conf";

/** @param advertS seconds between two advertisements: below one second it takes version 3 of the protocol */
export function keepalived(advertS: number): System {
  return {
    name: `keepalived ${advertS}`,
    clients: [],
    unit: "keepalived",
    daemon: undefined,
    async signal(host, signal) {
      const isOne = (pid: number) => {
        try {
          return readFileSync(`/proc/${pid}/comm`, "latin1").startsWith("keepalived");
        } catch {
          return false;
        }
      };
      if (signal === "SIGTERM") return await host.stop("keepalived");
      const pids = host.namespace.processes().filter(isOne);
      // Where its parent dies first, the child gives up in order.
      if (signal === "SIGKILL") await signalAll(pids, "SIGSTOP");
      await signalAll(pids, signal);
    },
    async start(cluster, vips) {
      for (const [at, host] of cluster.hosts.entries()) {
        host.write(FILE, configOf(host, at, cluster.hosts.length, vips, advertS));
        await host.run("keepalived", [
          KEEPALIVED!,
          "-n",
          "-l",
          "-f",
          FILE,
          "-p",
          "/run/keepalived.pid",
          "-r",
          "/run/vrrp.pid",
        ]);
      }
    },
  };
}

function configOf({ name }: Host, at: number, hosts: number, vips: readonly RigVip[], advertS: number): string {
  const instances = vips.map(
    (vip, nth) => `vrrp_instance ${vip.name} {
  state BACKUP
  interface eth0
  virtual_router_id ${nth + 1}
  priority ${PRIORITIES[(at + hosts - (nth % hosts)) % hosts]}
  advert_int ${advertS}
  virtual_ipaddress {
${vip.addresses.map((address) => `    ${address}/32 dev eth0\n`).join("")}  }
}
`,
  );
  return `global_defs {\n  router_id ${name}\n  vrrp_version ${advertS < 1 ? 3 : 2}\n}\n${instances.join("")}`;
}
