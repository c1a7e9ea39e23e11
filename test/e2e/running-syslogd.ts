// The compiled syslogd with a configuration, and all that one does to it.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runSpreadbox, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { textOf } from "../support/text-of.ts";
import { eventually, logger } from "../syslogd/running.ts";

/** A configured syslogd in a directory of its own. */
export async function running(rules: (directory: string) => string, more: (directory: string) => string = () => "") {
  const scratch = temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  // A test has nothing to say on the console of whoever runs it.
  const lastResort = more(scratch.path).includes("last_resort") ? "" : 'last_resort = "none"\n';
  const configure = (text: string) =>
    writeFileSync(
      at("c.toml"),
      `[syslogd]\nsocket = ["${at("log")}"]\nhost = "web1"\ncontrol = "${at("ctl")}"\nspool_directory = "${at("spool")}"\n${lastResort}${more(scratch.path)}\n${text}`,
    );
  configure(rules(scratch.path));
  const daemon = startSpreadbox(["syslogd", "--config", at("c.toml")]);
  await daemon.stderr.until("listens on");
  await eventually(
    () => existsSync(at("ctl")),
    () => `no control socket: ${daemon.stderr.text}`,
  );
  return {
    at,
    configure,
    daemon,
    ask: (...words: string[]) => runSpreadbox(["syslogd", ...words, "--config", at("c.toml")]),
    log: (text: string) => logger(at("log"), "-t", "app", "-p", "user.err", text),
    line: (name: string, text: string) =>
      eventually(
        () => textOf(at(name)).includes(text),
        () => `${name} has no ${text}: ${daemon.stderr.text}`,
      ),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

/** A rule of the configuration. */
export const rule = (select: string, to: string) => `[[syslogd.rule]]\nselect = "${select}"\nto = "${to}"\n`;
