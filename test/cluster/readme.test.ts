// The README's sections for operators, followed to the letter: their indented lines are run as they stand, by sh, on hosts as they say.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../support/binary.ts";
import type { Child } from "../support/child.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { canMakeHosts, hasCorosync } from "./requirements.ts";

interface Block {
  /** The paragraph before it. */
  readonly said: string;
  readonly script: string;
}

/** The indented blocks of a section, each with what was said before. */
function blocksOf(section: string): readonly Block[] {
  const text = readFileSync(join(projectRoot, "README.md"), "utf8");
  const [, body = ""] = new RegExp(`^## ${section}\n(.*?)^## `, "ms").exec(text) ?? [];
  const blocks: Block[] = [];
  let said = "";
  for (const part of body.replace(/^\n+/, "").split(/\n{2,}/)) {
    if (/^ {4}/.test(part)) blocks.push({ said, script: part.replace(/^ {4}/gm, "") });
    else said = part;
  }
  return blocks;
}

/** Starts a block in the clone, as root would in a terminal. What it leaves in the background goes on. */
const begin = (host: Host, { script }: Block): Child =>
  host.start(["sh", "-e", "-c", `cd ${projectRoot}\n${script}`], {
    env: { PATH: `/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: "/root", TERM: "dumb" },
  });

/** Runs a block on these hosts at once. @throws where its last status is not 0 */
async function follow(hosts: readonly Host[], block: Block): Promise<readonly Child[]> {
  const children = hosts.map((host) => begin(host, block));
  for (const [at, child] of children.entries()) {
    const status = await child.exited;
    if (status !== 0)
      throw new Error(
        `${hosts[at]!.name}: ${block.script}: status ${status}\n${child.stdout.text}${child.stderr.text}`,
      );
  }
  return children;
}

/** Until the reader has joined and syslogd has its socket, what is said is for nobody: an operator would say it again. */
async function saidUntilSeen(host: Host, write: Block, reader: Child, text: string): Promise<void> {
  const seen = reader.stdout.until(text);
  for (let isSeen = false; !isSeen; ) {
    await follow([host], write).catch(() => {});
    isSeen = await Promise.race([seen.then(() => true), Bun.sleep(200).then(() => false)]);
  }
}

/** There is no sshd and no systemd in a namespace: `ssh HOST COMMAND` enters that host's, `systemctl restart SERVICE` starts it as its unit would. */
function giveStandIns(cluster: Cluster): void {
  const cases = cluster.hosts.map(({ name, namespace: { pid } }) => `${name}) pid=${pid} ;;`).join(" ");
  for (const host of cluster.hosts) host.write("/usr/local/bin/systemctl", '#!/bin/sh\nexec "$2"\n', 0o755);
  for (const host of cluster.hosts)
    host.write(
      "/usr/local/bin/ssh",
      `#!/bin/sh\ncase $1 in ${cases} esac\nshift\nexec nsenter -t $pid -m -n -u -- "$@"\n`,
      0o755,
    );
}

describe.if(canMakeHosts)("the README", () => {
  test("has one host work in one minute", async () => {
    await using cluster = await startCluster({ hosts: 1 });
    const [start, write] = blocksOf("One host in one minute");
    const [reader] = await follow(cluster.hosts, start!);
    await saidUntilSeen(cluster.hosts[0]!, write!, reader!, "can you see this?");
  });

  test.if(hasCorosync)("has three hosts work in five", async () => {
    await using cluster = await startCluster({ hosts: 3, network: "10.0.0" });
    giveStandIns(cluster);
    const { a, c } = cluster.host;
    const [packages, init, check, start, status, logs, read, write] = blocksOf("Three hosts in five minutes");
    expect(packages!.script).toStartWith("apt-get install -y corosync libcpg4\n");
    await follow(cluster.hosts, { ...packages!, script: packages!.script.replace(/^apt-get .*\n/, "") }); // they are there
    expect(init!.said).toStartWith("On a,");
    await follow([a!], init!);
    expect(check!.said).toStartWith("On each host at the same time");
    for (const child of await follow(cluster.hosts, check!)) expect(await child.stdout.end()).not.toContain("BAD");
    await follow(cluster.hosts, start!);
    const [shown] = await follow([c!], status!);
    expect(await shown!.stdout.end()).toContain("all is well");
    await follow(cluster.hosts, logs!);
    const [reader] = await follow([a!], read!);
    await saidUntilSeen(c!, write!, reader!, "can you see this on a?");
    expect(reader!.stdout.text).toMatch(/\bc\b.*can you see this on a\?/);
  });
});
