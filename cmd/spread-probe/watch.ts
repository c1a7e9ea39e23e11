import { Fault } from "../../lib/base/fault.ts";
import { visible } from "../../lib/base/visible.ts";
import type { Call } from "../../lib/cli/call.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { type Style, styleFor } from "../../lib/cli/style.ts";
import { describeChange, type ViewChange, viewChange } from "../../lib/probe/view-change.ts";
import { connect, type Session, type SessionEvent, type SessionOptions } from "../../lib/spread/index.ts";
import { type GroupName, type PrivateGroup, parseGroupName } from "../../lib/spread/names.ts";
import { DAEMON_FLAGS, daemonOptions, NAME_FLAG } from "./daemon.ts";

const FLAGS = {
  ...DAEMON_FLAGS,
  name: NAME_FLAG,
  once: { type: "switch", about: "say who is in each group now, and end" },
} as const;

export const watchCommand = defineCommand({
  name: "watch",
  summary: "who is in a group, and who joins and leaves it, and why, live",
  about:
    "Joins the groups and shows every view: who came, who left in order, whose session ended, and whom the network took. It is a member itself meanwhile, and " +
    "shows as such. A lost connection is told, looked for again, and told when it is back.",
  examples: [
    { line: "spread-probe watch mole", about: "the fail-over daemons, as their group sees them" },
    { line: "spread-probe watch log.mail log.auth --json", about: "an object a view, for programs" },
    { line: "spread-probe watch --once mole", about: "who is there now" },
  ],
  positionals: [{ name: "GROUP", about: "one or several", required: true, many: true }],
  flags: FLAGS,
  json: true,
  async run(call) {
    const groups = [...new Set(call.positionals.map(parseGroupName))];
    const options = {
      ...daemonOptions(call, call.flags.spread),
      ...(call.flags.name === undefined ? {} : { name: call.flags.name }),
    };
    await using session = await connectUnlessStopped({ ...options, signal: call.stop });
    if (session === undefined) return 0;
    const watch = new Watch(call, styleFor(call.out.colour), session.privateGroup);
    for (const group of groups) await session.join(group);
    call.out.closed.addEventListener("abort", () => void session.close());
    for await (const event of session) {
      await watch.show(event);
      if (call.flags.once && groups.every((group) => watch.knows(group))) break;
    }
    return 0;
  },
});

/** `undefined`: Ctrl-C came first. */
async function connectUnlessStopped(
  options: SessionOptions & { readonly signal: AbortSignal },
): Promise<Session | undefined> {
  try {
    return await connect(options);
  } catch (error) {
    if (options.signal.aborted) return undefined;
    throw error;
  }
}

class Watch {
  readonly #members = new Map<string, readonly PrivateGroup[]>();
  #self: PrivateGroup | undefined;

  constructor(
    private readonly call: Call<typeof FLAGS>,
    private readonly style: Style,
    self: PrivateGroup | undefined,
  ) {
    this.#self = self;
  }

  knows(group: GroupName): boolean {
    return this.#members.has(group);
  }

  async show(event: SessionEvent): Promise<void> {
    switch (event.kind) {
      case "view": {
        const change = viewChange(this.#members.get(event.group), event);
        this.#members.set(event.group, event.members);
        if (this.call.json)
          await this.call.printJson({ at: new Date().toISOString(), kind: "view", ...change, id: event.id });
        else await this.#say(this.#viewLine(change));
        return;
      }
      case "transition":
        if (this.call.json)
          await this.call.printJson({
            at: new Date().toISOString(),
            kind: "transition",
            group: event.group,
            id: event.id,
          });
        else
          await this.#say(
            `${this.style.name(event.group)}  ${this.style.warning("the network changes")}: until the next view, only those who come along have every message`,
          );
        return;
      case "reject": {
        const groups = visible(event.groups.join(", "));
        throw new Fault(
          "no-permission",
          "refused",
          `cannot watch ${groups}: the daemon does not let us join it, no [[spreadd.allow]] there says that we may`,
        );
      }
      case "lost":
        this.#members.clear(); // what the views said is no longer known to be true
        await this.#tell(
          "lost",
          { reason: event.reason.message },
          this.style.bad(`connection lost: ${event.reason.message}`),
        );
        return;
      case "back":
        this.#self = event.privateGroup;
        await this.#tell(
          "back",
          { server: event.server, awayMs: event.awayMs },
          this.style.good(`back at ${event.server} after ${(event.awayMs / 1_000).toFixed(1)} s`),
        );
        return;
      default:
        return; // messages are not what is watched
    }
  }

  #viewLine(change: ViewChange): string {
    const { style } = this;
    const members = change.members.map((member) =>
      member === this.#self ? style.faint(`${member} (this watch)`) : member,
    );
    const what = describeChange(change);
    const colour = change.gone.length > 0 ? style.bad : change.came.length > 0 ? style.good : style.faint;
    return `${style.name(change.group)}  ${what === "" ? "" : `${colour(what)}  `}${members.length} in it: ${members.join(", ")}`;
  }

  async #tell(kind: string, facts: Readonly<Record<string, unknown>>, line: string): Promise<void> {
    if (this.call.json) await this.call.printJson({ at: new Date().toISOString(), kind, ...facts });
    else await this.#say(line);
  }

  async #say(line: string): Promise<void> {
    const time = new Date().toTimeString().slice(0, 8);
    await this.call.out.write(`${this.style.faint(time)}  ${line}\n`);
  }
}
