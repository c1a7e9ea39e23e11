// Terminals of a test's own, made by script(1).
import { type Child, start } from "./child.ts";

/** A terminal: whoever runs it shows what is written there on its stdout. `line`: its name below /dev. */
export async function terminal(): Promise<{ readonly child: Child; readonly line: string }> {
  const child = start(["script", "-qfc", "tty; exec sleep 60", "/dev/null"], { stdin: "open" });
  const line = /\/dev\/(pts\/\d+)/.exec(await child.stdout.until(/\/dev\/pts\/\d+/))![1]!;
  return { child, line };
}
