// The command as it is installed: the compiled executable.
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join as joinPath } from "node:path";
import { runSpreadbox, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { message } from "./frames.ts";
import { RawClient } from "./running-daemon.ts";

const PORT = 24_290;
const NO_CONFIG = { env: { SPREADBOX_CONFIG: undefined } };

describe("spreadd", () => {
  test("serves where its flags say, says so on stderr, and ends with 0 on SIGTERM and SIGINT", async () => {
    using scratch = temporaryDirectory();
    const socket = joinPath(scratch.path, "spread.sock");
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      await using daemon = startSpreadbox(
        ["spreadd", "--port", `${PORT}`, "--name", "host7", "--socket", socket],
        NO_CONFIG,
      );
      await daemon.stderr.until(
        `spreadd: daemon host7 listens on unix:${socket}, unix:/tmp/${PORT}, tcp:127.0.0.1:${PORT}`,
      );
      for (const server of [
        { by: "unix", path: socket },
        { by: "unix", path: `/tmp/${PORT}` },
        { by: "tcp", host: "127.0.0.1", port: PORT },
      ] as const) {
        using client = await RawClient.connect(server, "alice");
        await client.send(message(client.name, [client.name], "hello"));
        expect(await client.told()).toEqual(["message from #alice#host7 to #alice#host7: hello"]);
      }
      daemon.signal(signal);
      expect(await daemon.result()).toMatchObject({ status: 0, stdout: "" });
      expect([existsSync(socket), existsSync(`/tmp/${PORT}`)]).toEqual([false, false]);
    }
  });

  test("reads its table from the config, and flags go before it", async () => {
    using scratch = temporaryDirectory();
    const config = joinPath(scratch.path, "spreadbox.toml");
    const socket = joinPath(scratch.path, "spread.sock");
    await Bun.write(
      config,
      `[spreadd]\nport = 0\nname = "fromfile"\nsocket = ${JSON.stringify(socket)}\nsessions_max = 1\n`,
    );
    await using daemon = startSpreadbox(["spreadd", "--config", config, "--name", "fromflag"]);
    await daemon.stderr.until(`daemon fromflag listens on unix:${socket}`);
    using client = await RawClient.connect({ by: "unix", path: socket }, "alice");
    expect(client.name).toBe("#alice#fromflag");
    await expect(RawClient.connect({ by: "unix", path: socket }, "bob")).rejects.toThrow("refused: -3");
  });

  test("takes other rules when told to: sessions keep to them from then on, and bad ones change nothing", async () => {
    using scratch = temporaryDirectory();
    const config = joinPath(scratch.path, "spreadbox.toml");
    const socket = joinPath(scratch.path, "spread.sock");
    const write = (rules: string) =>
      Bun.write(config, `[spreadd]\nport = 0\nname = "d"\nsocket = ${JSON.stringify(socket)}\n${rules}`);
    const args = ["--config", config, "--socket", socket];
    await write('[[spreadd.allow]]\nfrom = ["unix"]\n');
    await using daemon = startSpreadbox(["spreadd", ...args]);
    await daemon.stderr.until("listens on");
    using alice = await RawClient.connect({ by: "unix", path: socket }, "alice");
    const says = async (text: string) => {
      await alice.send(message(alice.name, [alice.name], "first"), message(alice.name, ["#x#d"], text));
    };
    const control = ["--control", joinPath(scratch.path, "spreadd.ctl")];
    const reload = () => runSpreadbox(["spreadd", "reload", ...control], NO_CONFIG);

    await write('[[spreadd.allow]]\nfrom = ["unix"]\nsend = ["log.*"]\njion = []\n');
    const refused = await reload();
    expect(refused.status).toBe(78);
    expect(refused.stderr).toContain('unknown key "jion"');
    await daemon.stderr.until("refused to reload, goes on as before: ");

    await write('sessions_max = 7\n[[spreadd.allow]]\nfrom = ["unix"]\nsend = ["log.*"]\n');
    expect(await reload()).toEqual({
      status: 0,
      stdout: "read the rules anew; for a change of sessions_max it has to be restarted\n",
      stderr: "",
    });
    await says("no");
    await daemon.stderr.until("may not send to #x#d");

    await write('[[spreadd.allow]]\nfrom = ["10.0.0.0/8"]\n');
    daemon.signal("SIGHUP");
    await daemon.stderr.until("read the rules anew; 1 session ended that no rule names any more");
    await expect(RawClient.connect({ by: "unix", path: socket }, "bob")).rejects.toThrow("refused");
  });

  test("says in one line what is wrong, with a status of its own", async () => {
    using scratch = temporaryDirectory();
    const socket = joinPath(scratch.path, "spread.sock");
    await using daemon = startSpreadbox(["spreadd", "--port", "0", "--socket", socket, "--name", "a"], NO_CONFIG);
    await daemon.stderr.until("listens on");
    for (const { args, status, line } of [
      {
        args: ["--port", "0", "--socket", socket],
        status: 69,
        line: `spreadd: cannot listen on ${socket}: somebody listens there; is spreadd running already?\n`,
      },
      { args: ["--name", "host#7"], status: 64, line: 'spreadd: --name: cannot use "host#7" as daemon name' },
      {
        args: ["--port", "66000"],
        status: 64,
        line: 'spreadd: --port: cannot read port "66000": expected a number from 0 to 65535\n',
      },
      {
        args: ["--port", "0", "--socket", "/proc/none/spread.sock"],
        status: 73,
        line: "spreadd: cannot make way for socket /proc/none/spread.sock: no such file or directory\n",
      },
    ]) {
      const ended = await runSpreadbox(["spreadd", ...args], NO_CONFIG);
      expect([ended.status, ended.stderr]).toEqual([status, expect.stringContaining(line)]);
    }
  });
});
