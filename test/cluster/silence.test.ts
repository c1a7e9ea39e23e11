// A spreadd that is stopped, over a real corosync: the others go on without it, though nobody sends and corosync sees nothing wrong; it comes back when it goes on.
import { describe, expect, test } from "bun:test";
import { connect, type Session } from "../../lib/spread/index.ts";
import { startCluster } from "./cluster.ts";
import { hasCorosync } from "./requirements.ts";

const SPREADD = '[spreadd]\nengine = "corosync"\nsilence = "1s"\n';

/** Resolves with the members of the first view that has so many. */
async function viewOf(session: Session, count: number): Promise<string[]> {
  for await (const event of session)
    if (event.kind === "view" && event.members.length === count) return event.members.map(String);
  throw new Error("the session is over");
}

describe.if(hasCorosync)("a spreadd that is stopped", () => {
  for (const frozen of ["a", "c"])
    test(`is left out, ${frozen} as any, and its sessions leave the views of the others`, async () => {
      const cluster = await startCluster({
        hosts: 3,
        corosync: { tokenMs: 150, retransmits: 2 },
        spreadd: SPREADD,
      });
      await using _ = cluster;
      const sessions = await Promise.all(cluster.hosts.map((host) => connect({ ...host.session, name: "s" })));
      await using stack = new AsyncDisposableStack();
      for (const session of sessions) {
        stack.use(session);
        await session.join("g");
      }
      const watcher = sessions[1]!; // on b
      await viewOf(watcher, 3);
      const since = performance.now();
      await cluster.act(`${frozen} spreadd frozen`);
      const left = await viewOf(watcher, 2);
      expect(left).toEqual(["#s#a", "#s#b", "#s#c"].filter((name) => name !== `#s#${frozen}`));
      expect(performance.now() - since).toBeGreaterThan(1_000);
      await cluster.host["b"]!.child("spreadd").stderr.until(`the daemon of ${frozen} is gone`);
      await cluster.act(`${frozen} spreadd thawed`);
      await cluster.host[frozen]!.child("spreadd").stderr.until(
        /this process did not answer for too long[\s\S]*ring of 3/,
      );
    }, 60_000);
});
