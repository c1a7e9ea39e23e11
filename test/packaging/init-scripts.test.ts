// Init scripts, run as init would run them: with the compiled binary, by each shell that is here, all their paths moved into a directory of the test's own.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { initScript } from "../../lib/packaging/init-script.ts";
import { SERVICES, type Service } from "../../lib/packaging/service.ts";
import { binary } from "../support/binary.ts";
import { runSpreadbox, start, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { eventually, logger } from "../syslogd/running.ts";

const serviceOf = (name: Service["name"]) => SERVICES.find((service) => service.name === name)!;
const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("SKIP: not root, init scripts start nothing\n");

describe("an init script", () => {
  for (const shell of ["sh", "dash", "bash", "busybox"].filter((name) => Bun.which(name) !== null))
    for (const service of SERVICES)
      test(`of ${service.name} is understood by ${shell}`, async () => {
        const words = shell === "busybox" ? [shell, "sh"] : [shell];
        await using child = start([...words, "-n"], { stdin: initScript(service, "/usr/bin/spreadbox") });
        expect(await child.result()).toEqual({ status: 0, stdout: "", stderr: "" });
      });

  test("has the header by which insserv orders it", () => {
    const text = initScript(serviceOf("mole"), "/usr/bin/spreadbox");
    const header = text.slice(text.indexOf("### BEGIN INIT INFO"), text.indexOf("### END INIT INFO"));
    for (const key of [
      "Provides",
      "Required-Start",
      "Required-Stop",
      "Default-Start",
      "Default-Stop",
      "Short-Description",
    ])
      expect(header).toMatch(new RegExp(`^# ${key}: +\\S`, "m"));
    expect(header).toMatch(/^# Should-Start: +\$syslog spreadd$/m);
  });
});

/** A host's directories, and a script installed in them. */
class Installed implements AsyncDisposable {
  readonly #directory = temporaryDirectory();

  constructor(
    readonly service: Service,
    config: string,
    args: string,
  ) {
    for (const name of ["default", "run", "log"]) mkdirSync(this.path(name));
    writeFileSync(this.path("config.toml"), config.replaceAll("%d", this.#directory.path));
    writeFileSync(this.path(`default/spreadbox-${service.name}`), args.replaceAll("%d", this.#directory.path));
    writeFileSync(
      this.path("script"),
      initScript(service, binary())
        .replaceAll("/etc/default/", `${this.path("default")}/`)
        .replaceAll("/var/log/", `${this.path("log")}/`)
        .replaceAll("/run/spreadbox/", `${this.path("run")}/`),
    );
  }

  path(name: string): string {
    return join(this.#directory.path, name);
  }

  async run(action: string, shell = "sh") {
    await using child = start([shell, this.path("script"), action]);
    return await child.result();
  }

  get pid(): number {
    return Number(readFileSync(this.path(`run/${this.service.name}.init.pid`), "utf8"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("stop");
    this.#directory[Symbol.dispose]();
  }
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}/exe`);

describe.if(isRoot)("the init script of syslogd", () => {
  let installed: Installed;
  beforeEach(() => {
    installed = new Installed(
      serviceOf("syslogd"),
      `[syslogd]\nsocket = ["%d/dev log"]\nspool_directory = ""\ncontrol = "%d/ctl"\n[[syslogd.rule]]\nselect = "*.*"\nto = "file:%d/out"\n`,
      `DAEMON_ARGS="--config '%d/config.toml' --verbose"\n`,
    );
  });
  afterEach(() => installed[Symbol.asyncDispose]());

  for (const shell of ["dash", "bash"])
    test(`starts, tells, reloads, restarts and stops it (${shell})`, async () => {
      expect(await installed.run("status", shell)).toMatchObject({ status: 3, stdout: "syslogd does not run\n" });
      expect(await installed.run("start", shell)).toEqual({ status: 0, stdout: "", stderr: "" });
      const { pid } = installed;
      expect(existsSync(installed.path("dev log"))).toBe(true);
      expect(await installed.run("status", shell)).toMatchObject({
        status: 0,
        stdout: `syslogd runs as process ${pid}\n`,
      });
      expect(await installed.run("start", shell)).toMatchObject({
        status: 0,
        stdout: `syslogd runs already, as process ${pid}\n`,
      });
      logger(installed.path("dev log"), "-t", "app", "hello");
      await eventually(
        () => existsSync(installed.path("out")) && readFileSync(installed.path("out"), "utf8").includes("app: hello"),
        () => "what was logged did not come",
      );
      expect((await installed.run("reload", shell)).status).toBe(0);
      expect((await installed.run("force-reload", shell)).status).toBe(0);
      expect(installed.pid).toBe(pid);
      expect((await installed.run("restart", shell)).status).toBe(0);
      expect(installed.pid).not.toBe(pid);
      expect(isAlive(pid)).toBe(false);
      const { pid: second } = installed;
      expect(await installed.run("stop", shell)).toEqual({ status: 0, stdout: "", stderr: "" });
      expect(isAlive(second)).toBe(false);
      expect((await installed.run("stop", shell)).status).toBe(0);
      expect((await installed.run("status", shell)).status).toBe(3);
      expect((await installed.run("reload", shell)).status).toBe(7);
      expect((await installed.run("try-restart", shell)).status).toBe(0);
      expect((await installed.run("status", shell)).status).toBe(3);
      expect((await installed.run("halt", shell)).status).toBe(2);
    });

  test("stops nothing for a configuration with a mistake, and starts nothing by one", async () => {
    expect((await installed.run("start")).status).toBe(0);
    const { pid } = installed;
    writeFileSync(installed.path("config.toml"), `[syslogd]\nsocet = ["/x"]\n`);
    const refused = await installed.run("restart");
    expect(refused.status).toBe(6);
    expect(refused.stderr).toContain('unknown key "socet"; did you mean "socket"?');
    expect((await installed.run("reload")).status).toBe(1);
    expect(isAlive(pid)).toBe(true);
    expect((await installed.run("stop")).status).toBe(0);
    expect((await installed.run("start")).status).toBe(6);
    expect((await installed.run("status")).status).toBe(3);
  });

  test("stops nothing for arguments by which it would not start", async () => {
    expect((await installed.run("start")).status).toBe(0);
    const { pid } = installed;
    writeFileSync(
      installed.path("default/spreadbox-syslogd"),
      `DAEMON_ARGS="--config '${installed.path("config.toml")}' --rul x"\n`,
    );
    for (const action of ["restart", "try-restart"]) {
      const refused = await installed.run(action);
      expect([action, refused.status, refused.stderr]).toEqual([
        action,
        6,
        expect.stringContaining("unknown flag --rul"),
      ]);
    }
    expect(isAlive(pid)).toBe(true);
  });

  test("claims no start and no stop where it is another one that answers", async () => {
    await using other = startSpreadbox(["syslogd", "--config", installed.path("config.toml")]);
    await eventually(
      () => existsSync(installed.path("ctl")),
      () => other.stderr.text,
    );
    for (const action of ["start", "stop", "restart"]) {
      const { status, stderr } = await installed.run(action);
      expect([action, status, stderr]).toEqual([
        action,
        1,
        expect.stringContaining(`another one runs, as process ${other.pid},`),
      ]);
    }
    expect((await installed.run("status")).status).toBe(3);
    expect(isAlive(other.pid)).toBe(true);
    expect(existsSync(installed.path("run/syslogd.init.pid"))).toBe(false);
  });

  test("tells a dead one by what it has left, and another process that has its number", async () => {
    expect((await installed.run("start")).status).toBe(0);
    const { pid } = installed;
    process.kill(pid, "SIGKILL");
    await eventually(
      () => !isAlive(pid),
      () => "it lives after SIGKILL",
    );
    expect((await installed.run("status")).status).toBe(1);
    writeFileSync(installed.path("run/syslogd.init.pid"), `${process.pid}\n`);
    expect((await installed.run("status")).status).toBe(1);
    expect((await installed.run("start")).status).toBe(0);
    expect(isAlive(process.pid) && isAlive(installed.pid)).toBe(true);
  });

  test("tells why it ended at its start", async () => {
    writeFileSync(installed.path("default/spreadbox-syslogd"), "DAEMON_ARGS='--rul x'\n");
    const { status, stderr } = await installed.run("start");
    expect(status).toBe(1);
    expect(stderr).toContain("syslogd ended at its start: syslogd: unknown flag --rul");
    expect(readFileSync(installed.path("log/spreadbox-syslogd.log"), "utf8")).toContain("unknown flag --rul");
  });
});

test.if(isRoot)(
  "the init scripts of spreadd, mole and logcat record start, reload and stop them",
  async () => {
    const config = `[spread]
servers = ["unix:%d/spread.sock"]
[spreadd]
port = 0
socket = "%d/spread.sock"
[mole]
control = "%d/mole.ctl"
state_dir = "%d/mole"
[[logcat.write]]
groups = ["log.*"]
to = "file:%d/out"
[logcat.recorder]
control = "%d/logcat.ctl"
state = "%d/logcat"
`;
    for (const name of ["spreadd", "mole", "logcat-record"] as const) {
      await using installed = new Installed(serviceOf(name), config, "SPREADBOX_CONFIG=%d/config.toml\n");
      expect([name, await installed.run("start")]).toEqual([name, { status: 0, stdout: "", stderr: "" }]);
      const { pid } = installed;
      expect((await installed.run("status")).stdout).toBe(`${name} runs as process ${pid}\n`);
      expect([name, (await installed.run("reload")).status]).toEqual([name, 0]);
      if (name === "spreadd") {
        const { status } = await runSpreadbox(["spread-probe", "connect", `unix:${installed.path("spread.sock")}`]);
        expect(status).toBe(0);
      }
      expect((await installed.run("restart")).status).toBe(0);
      expect(isAlive(pid)).toBe(false);
      const { pid: second } = installed;
      expect((await installed.run("stop")).status).toBe(0);
      expect(isAlive(second)).toBe(false);
      expect((await installed.run("status")).status).toBe(3);
    }
  },
  60_000,
);
