// A stage for the compiled logcat: a daemon of ours, a sender, and as many logcats as a test wants.
import { join } from "node:path";
import { BATCH_MESSAGE_TYPE } from "../../lib/feed/batch.ts";
import { connect, type Session } from "../../lib/spread/index.ts";
import { type Child, type ChildOptions, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { batchOf, ownRecord } from "./messages.ts";

/** For tests that must not depend on where they run. */
export const NO_CONFIG = { SPREADBOX_CONFIG: "", TZ: "UTC" };

/** A daemon of ours on a socket of its own. */
export async function startDaemon(socket: string, config?: string): Promise<Child> {
  const args = ["spreadd", "--port", "0", "--name", "e2e", "--socket", socket, "--no-tmp-socket"];
  const daemon = startSpreadbox(config === undefined ? args : [...args, "--config", config]);
  await daemon.stderr.until("listens on");
  return daemon;
}

/** A daemon, a sender, and `logcat(...)`, which resolves when it has joined `groups`. */
export async function stage() {
  const scratch = temporaryDirectory();
  const socket = join(scratch.path, "spread.sock");
  const daemon = await startDaemon(socket);
  const sender = await connect({ servers: `unix:${socket}`, name: "sender" });
  const children: Child[] = [daemon];
  return {
    scratch: scratch.path,
    socket,
    daemon,
    sender,
    async logcat(args: readonly string[], options: ChildOptions = {}, groups = ["log.mail"]): Promise<Child> {
      const env = { ...NO_CONFIG, ...options.env };
      const child = startSpreadbox(["logcat", "--verbose", "--spread", `unix:${socket}`, ...args, ...groups], {
        ...options,
        env,
      });
      children.push(child);
      for (const group of groups) await child.stderr.until(`joined ${group}`);
      return child;
    },
    async [Symbol.asyncDispose]() {
      await sender.close();
      for (const child of children) await child[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

const line = (text: string) => ownRecord(`<19>Nov 23 12:03:04 postfix/smtpd[123]: ${text}`);

/** Sends one batch to log.mail. */
export async function send(sender: Session, first: number, texts: readonly string[]): Promise<void> {
  await sender.multicast("log.mail", batchOf(first, texts.map(line)), { messageType: BATCH_MESSAGE_TYPE });
}
