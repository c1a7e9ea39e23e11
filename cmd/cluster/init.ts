import { formatDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { writeFiles } from "../../lib/cluster/io/new-files.ts";
import { clusterKeys } from "../../lib/cluster/io/secret.ts";
import { isAsShipped } from "../../lib/cluster/io/shipped.ts";
import { parseNodes } from "../../lib/cluster/nodes.ts";
import { COROSYNC_CONF_PATH, type PlannedFile, plannedFiles } from "../../lib/cluster/plan.ts";
import { detectionMs, moleTimes, PROFILES, timesOf } from "../../lib/cluster/profile.ts";

export const initCommand = defineCommand({
  name: "init",
  summary: "writes what every host of a ring needs: corosync.conf, keys, and the tables that go with them",
  about:
    "Writes four files that are the same on all hosts: /etc/corosync/corosync.conf, with its times explained; /etc/corosync/authkey; " +
    "/etc/spreadbox/conf.d/cluster.toml, with the engine of [spreadd] and the times of [mole] that go with the ring's; /etc/spreadbox/mole.key. The keys can be read by root alone. " +
    "What exists is left alone, but for a corosync.conf that is just as the Debian package brought it.\n\n" +
    "Write them on one host and copy them to the others, or give the same --key everywhere: then the same command makes the same files.",
  examples: [
    {
      line: "spreadbox cluster init --nodes a=10.0.0.1,b=10.0.0.2,c=10.0.0.3",
      about: "on this host; then: tar -C / -c etc/corosync etc/spreadbox | ssh b tar -C / -x",
    },
    {
      line: "spreadbox cluster init --nodes a=10.0.0.1,b=10.0.0.2 --profile fast --dry-run",
      about: "what it would write",
    },
    {
      line: "spreadbox cluster init --nodes a=10.0.0.1,b=10.0.0.2 --key secret",
      about: "the same keys from the same secret, on each host",
    },
  ],
  flags: {
    nodes: {
      type: "value",
      hint: "NAME=ADDRESS,...",
      about: "the hosts, by their host names, and their addresses; a second network: a=10.0.0.1+10.1.0.1",
      read: parseNodes,
    },
    profile: {
      type: "value",
      choices: PROFILES,
      about: "how soon a dead host is noticed: fast 0.2 s, lan 0.7 s, wan 3.3 s",
      default: "lan",
    },
    mode: {
      type: "value",
      choices: ["available", "safe"],
      about: "what mole does when the network parts: each part covers all, or only the larger one",
      default: "available",
    },
    key: {
      type: "value",
      hint: "FILE",
      about: "make the keys from this secret (32 bytes or more) instead of new ones",
    },
    name: { type: "value", hint: "NAME", about: "what the ring is called", read: clusterName, default: "spreadbox" },
    root: { type: "value", hint: "DIR", about: "write below this directory instead of /", default: "/" },
    "dry-run": { type: "switch", about: "print what would be written, without the keys, and write nothing" },
    force: { type: "switch", about: "overwrite files that exist; what was in them is kept beside, as FILE.bak" },
  },
  json: true,
  async run(call) {
    const {
      nodes,
      profile = "lan",
      mode = "available",
      key,
      name: cluster = "spreadbox",
      root = "/",
      force,
    } = call.flags;
    if (nodes === undefined)
      throw new Fault("usage", "nodes", "which hosts? --nodes a=10.0.0.1,b=10.0.0.2,… names them with their addresses");
    const files = plannedFiles({ cluster, nodes, profile, mode, ...clusterKeys(key) });
    const times = timesOf(profile);
    const facts = { detectionMs: detectionMs(times), ...moleTimes(times, mode) };
    const isDry = call.flags["dry-run"];
    const isFree = (path: string) => path === COROSYNC_CONF_PATH && isAsShipped(path, "corosync");
    const kept = isDry ? [] : writeFiles(files, { root, force, isFree });
    if (call.json) {
      await call.printJson({
        written: !isDry,
        files: files.map(({ path, mode: bits }) => ({ path, mode: bits.toString(8).padStart(4, "0") })),
        kept,
        ...facts,
      });
      return 0;
    }
    if (isDry) await call.out.write(files.map(shown).join("\n"));
    else
      for (const { path, mode: bits } of files)
        call.log.notice(`wrote ${path} (mode ${bits.toString(8).padStart(4, "0")})`);
    if (kept.length > 0) call.log.notice(`what was there is kept as ${kept.join(", ")}`);
    call.log.notice(
      `a dead host is noticed within ${formatDuration(facts.detectionMs)}; silence ${formatDuration(facts.silenceMs)}, lease ${formatDuration(facts.leaseMs)}`,
    );
    if (!isDry)
      call.log.notice(
        `next: the same on ${nodes.length === 2 ? "the other host" : "the other hosts"}, then on each: spreadbox cluster check; systemctl restart corosync; spreadbox spreadd`,
      );
    return 0;
  },
});

function shown({ path, bytes, mode, secret }: PlannedFile): string {
  const head = `# --- ${path} (mode ${mode.toString(8).padStart(4, "0")}) ---\n`;
  return head + (secret ? `# ${bytes.length} secret bytes\n` : new TextDecoder().decode(bytes));
}

function clusterName(text: string): string {
  if (/^[A-Za-z0-9_.-]{1,32}$/.test(text)) return text;
  throw new Fault(
    "usage",
    "name",
    `cannot take name ${JSON.stringify(text)}: expected 1 to 32 letters, digits, "-", "_" or "."`,
  );
}
