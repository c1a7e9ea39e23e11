// From the socket through a real daemon to a subscriber, who counts: accepted = received + reported missing, whatever dies on the way.
import { afterAll, describe, expect, test } from "bun:test";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { openUnixDatagram, sendUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { type Daemon, daemonKinds } from "./daemons.ts";
import { eventually, logger, Running, sinksWith } from "./running.ts";
import { Subscriber } from "./subscriber.ts";

const PORT = 24_420;
const scratch = temporaryDirectory();
afterAll(() => scratch[Symbol.dispose]());

/** A way to the daemon that is open only when we say so: subscribers are to be there first, since what comes before them reaches nobody. */
class Gate implements Disposable {
  readonly server = `unix:${join(scratch.path, "gate")}`;

  constructor(private readonly behind: string) {
    this.open();
  }

  open(): void {
    symlinkSync(this.behind.slice("unix:".length), join(scratch.path, "gate"));
  }

  close(): void {
    rmSync(join(scratch.path, "gate"), { force: true });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

for (const { name: kind, isHere, server, start } of daemonKinds(PORT, scratch.path))
  describe.if(isHere)(`with ${kind}`, () => {
    test("records arrive as they were logged, in a group for each facility, numbered from 1", async () => {
      await using _daemon = await start();
      await using subscriber = new Subscriber(server, ["log.mail", "log.user"]);
      await subscriber.joined();
      await using running = new Running(["mail,user.* -> group:log.%facility%"], { spread: { servers: server } });
      logger(running.socket, "-p", "user.err", "-t", "me", "--id=77", "hello");
      await subscriber.record(/hello/);
      for (let at = 0; at < 3; at++) logger(running.socket, "-p", "mail.info", "-t", "postfix/smtpd", `message ${at}`);
      await subscriber.record(/message 2/);
      expect(subscriber.records).toEqual([
        "log.user 1.3 web1 me[77]: hello",
        ...[0, 1, 2].map((at) => `log.mail 2.6 web1 postfix/smtpd: message ${at}`),
      ]);
      expect(subscriber.batches[0]).toBe("log.user web1 1+1");
      expect(subscriber.incarnations.size).toBe(1);
      expect(subscriber.gaps.totals).toMatchObject({ missing: 0, repeated: 0 });
      await eventually(
        () => running.daemon.totals.sinks[0]!.waiting === 0,
        () => "never confirmed",
      );
      expect(running.daemon.totals.sinks[0]).toMatchObject({ accepted: 4, delivered: 4, lost: 0 });
    }, 30_000);

    test("two subscribers see the records of two hosts in the same order", async () => {
      await using _daemon = await start();
      await using one = new Subscriber(server, ["log.user", "log.mail"]);
      await using other = new Subscriber(server, ["log.user", "log.mail"]);
      await Promise.all([one.joined(), other.joined()]);
      const spread = { servers: server };
      await using web1 = new Running(["user,mail.* -> group:log.%facility%"], { spread, host: "web1" });
      await using web2 = new Running(["user,mail.* -> group:log.%facility%"], { spread, host: "web2" });
      using sender = openUnixDatagram();
      for (let at = 0; at < 400; at++) {
        const to = at % 2 === 0 ? web1.socket : web2.socket;
        const message = new TextEncoder().encode(`<${at % 3 === 0 ? 14 : 22}>app: number ${at}`);
        while (!sendUnixDatagram(sender.fd, to, message)) await new Promise((done) => setImmediate(done));
        if (at % 50 === 0) await new Promise((done) => setTimeout(done, 7));
      }
      for (const subscriber of [one, other])
        await eventually(
          () => subscriber.records.length === 400,
          () => `${subscriber.records.length} of 400 records`,
        );
      expect(one.records).toEqual(other.records);
      expect(one.batches).toEqual(other.batches);
    }, 30_000);

    test("what was logged before there was a daemon arrives when there is one", async () => {
      await using running = new Running(["user.* -> group:log.user", "syslog.* -> file:%d/own"], {
        spread: { servers: server },
      });
      logger(running.socket, "-t", "me", "early");
      await running.line("own", /group:\*: cannot reach daemon .* will be tried again/);
      await using _daemon = await start();
      await using subscriber = new Subscriber(server, ["log.user"]);
      await running.line("own", /group:\*: works again after .*, nothing lost/);
      await subscriber.joined();
      logger(running.socket, "-t", "me", "late");
      await subscriber.record(/late/);
      expect(running.daemon.totals.sinks[0]).toMatchObject({ lost: 0 });
    }, 30_000);

    test("what the daemon had not put into its order when it was killed arrives from the next one", async () => {
      let daemon: Daemon = await start();
      try {
        await using subscriber = new Subscriber(server, ["log.user"]);
        await subscriber.joined();
        using gate = new Gate(server);
        await using running = new Running(["user.* -> group:log.user"], { spread: { servers: gate.server } });
        logger(running.socket, "-t", "me", "before");
        await subscriber.record(/before/);
        daemon.signal("SIGSTOP");
        for (let at = 0; at < 100; at++) logger(running.socket, "-t", "me", `number ${at}`);
        const sink = () => running.daemon.totals.sinks[0]!;
        await eventually(
          () => sink().accepted === 101 && sink().waiting >= 100,
          () => `counts are ${JSON.stringify(sink())}`,
        );
        gate.close();
        await daemon.kill();
        daemon = await start();
        await subscriber.joined(2);
        gate.open();
        await subscriber.record(/number 99/);
        expect(subscriber.records.slice(1)).toEqual(
          Array.from({ length: 100 }, (_, at) => `log.user 1.5 web1 me: number ${at}`),
        );
        expect(subscriber.gaps.totals).toMatchObject({ missing: 0 });
      } finally {
        await daemon[Symbol.asyncDispose]();
      }
    }, 30_000);

    for (const { name, queueBytesMax, mustLose } of [
      { name: "a queue that is large enough", queueBytesMax: 64 << 20, mustLose: false },
      { name: "a queue that is too small", queueBytesMax: 1 << 20, mustLose: true },
    ])
      test(`the daemon is killed in a flood, with ${name}: all is well by itself, and what is missing is reported to the record`, async () => {
        let daemon: Daemon = await start();
        try {
          await using subscriber = new Subscriber(server, ["log.user"]);
          await subscriber.joined();
          using gate = new Gate(server);
          await using running = new Running(["user.* -> group:log.user", "syslog.* -> file:%d/own"], {
            sinks: sinksWith(queueBytesMax),
            spread: { servers: gate.server },
          });
          const count = 150_000;
          const flooder = Bun.spawn([
            process.execPath,
            join(import.meta.dir, "../linux/flooder.ts"),
            running.socket,
            `${count}`,
          ]);
          await eventually(
            () => subscriber.records.length > count / 10,
            () => "the flood does not arrive",
          );
          gate.close();
          await daemon.kill();
          await running.line("own", /connection lost/);
          if (mustLose) expect(await flooder.exited).toBe(0);
          daemon = await start();
          expect(await flooder.exited).toBe(0);
          await subscriber.joined(2);
          gate.open();
          const report = await running.line("own", /group:\*: works again/);
          await eventually(
            () => running.daemon.totals.sinks[0]!.waiting === 0, // as long as its queue is full it refuses what is new
            () => `counts are ${JSON.stringify(running.daemon.totals.sinks)}`,
          );
          logger(running.socket, "-t", "me", "the end");
          await subscriber.record(/the end/);
          await running.end();
          const { accepted, delivered, lost } = running.daemon.totals.sinks[0]!;
          const { missing } = subscriber.gaps.totals;
          expect(accepted).toBe(count + 1);
          expect(delivered + lost).toBe(accepted);
          expect(subscriber.records.length + missing).toBe(accepted);
          expect(missing).toBeGreaterThanOrEqual(lost);
          const reported = [...running.said.join("\n").matchAll(/(\d+) records? lost/g)].reduce(
            (sum, found) => sum + Number(found[1]),
            0,
          );
          expect(reported).toBe(lost);
          if (mustLose) expect(lost).toBeGreaterThan(0);
          else expect(report).toEndWith("nothing lost");
        } finally {
          await daemon[Symbol.asyncDispose]();
        }
      }, 60_000);
  });
