// Many sessions, many groups, large groups. Bounds on CPU and memory are generous: they are there to find what grows with the square.
import { expect, test } from "bun:test";
import { WAIT_MS } from "../support/child.ts";
import { join, message } from "./frames.ts";
import { RawClient, type RunningDaemon, startDaemon } from "./running-daemon.ts";

async function connectMany(daemon: RunningDaemon, count: number, membership: boolean): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const more = Array.from({ length: Math.min(100, count - clients.length) }, (_, at) =>
      RawClient.connect(daemon.unix, `${membership ? "v" : "q"}${clients.length + at}`, { membership }),
    );
    clients.push(...(await Promise.all(more)));
  }
  return clients;
}

/** Sends requests, and waits until the daemon has done them: a message to oneself comes back behind them. */
async function perform(client: RawClient, ...requests: readonly Uint8Array[]): Promise<void> {
  await client.send(...requests, message(client.name, [client.name], "done"));
  while ((await client.next()).name !== client.name) {} // views of groups come before
}

test(
  "1,000 sessions in one group: who joins last gets all of them, in order, and each message reaches all",
  async () => {
    await using daemon = await startDaemon();
    const quiet = await connectMany(daemon, 980, false);
    const viewers = await connectMany(daemon, 20, true);
    for (const client of [...quiet, ...viewers]) await perform(client, join(client.name, "everybody"));
    const names = [...quiet, ...viewers].map(({ name }) => name).sort();
    const last = await RawClient.connect(daemon.unix, "last");
    await last.send(join(last.name, "everybody"));
    expect<readonly string[] | undefined>((await last.next()).view?.members).toEqual([...names, last.name].sort());
    await last.send(message(last.name, ["everybody"], "hello"));
    const got = await Promise.all(quiet.map(async (client) => (await client.told())[0]));
    expect(new Set(got)).toEqual(new Set([`message from ${last.name} to everybody: hello`]));
    const { sessions, groups, slow } = await daemon.state();
    expect([sessions, groups, slow]).toEqual([1_001, 1, 0]);
    for (const client of [...quiet, ...viewers, last]) client.close();
    await daemon.until((state) => state.sessions === 0 && state.groups === 0);
  },
  WAIT_MS * 3,
);

test(
  "5,000 groups of 20 sessions: joined, sent to and left within seconds, and nothing stays behind",
  async () => {
    const groups = Array.from({ length: 5_000 }, (_, at) => `log.facility.${at}`);
    await using daemon = await startDaemon();
    const clients = await connectMany(daemon, 20, false);
    const before = await daemon.state();
    for (const client of clients) await perform(client, ...groups.map((group) => join(client.name, group)));
    const joined = await daemon.state();
    expect(joined.groups).toBe(5_000);
    const [first] = clients;
    await first!.send(...groups.map((group) => message(first!.name, [group], "x", 0x50)));
    await Promise.all(clients.slice(1).map((client) => client.frames(5_000, () => {})));
    for (const client of clients) client.close();
    const { cpuMs, rssBytes } = await daemon.until(({ sessions }) => sessions === 0);
    expect((await daemon.state()).groups).toBe(0);
    expect(joined.cpuMs - before.cpuMs).toBeLessThan(5_000); // 100,000 joins; 0.2 s here
    expect(cpuMs - before.cpuMs).toBeLessThan(10_000);
    expect(rssBytes - before.rssBytes).toBeLessThan(200_000_000);
  },
  WAIT_MS * 3,
);

test(
  "4,096 sessions are taken, and one more is turned away",
  async () => {
    await using daemon = await startDaemon();
    const clients = await connectMany(daemon, 4_096, false);
    await expect(RawClient.connect(daemon.unix, "toomany")).rejects.toThrow("refused: -3");
    const { sessions, rssBytes } = await daemon.state();
    expect(sessions).toBe(4_096);
    expect(rssBytes).toBeLessThan(250_000_000);
    for (const client of clients) client.close();
  },
  WAIT_MS * 3,
);
