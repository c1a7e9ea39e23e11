// corosync's own account of its ring, through the program that its package brings. A corosync that is stopped would keep its caller for ever: bounded.
import { Fault } from "../../base/fault.ts";
import { type CorosyncMap, parseMap, type RingFacts, ringFacts } from "../ring-facts.ts";

const PROGRAM = "corosync-cmapctl";
const ANSWER_MS = 2_000;

/** @throws {Fault} kind "unavailable": it does not run, or does not answer; kind "os-file": it is not installed */
export async function askCorosync(): Promise<RingFacts> {
  const [main, stats] = await Promise.all([read([]), read(["-m", "stats"])]);
  return ringFacts(main, stats);
}

async function read(args: readonly string[]): Promise<CorosyncMap> {
  const program = Bun.which(PROGRAM, { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin` });
  if (program === null)
    throw new Fault(
      "os-file",
      "missing",
      "cannot find corosync-cmapctl: corosync is not installed; apt-get install corosync libcpg4",
    );
  const child = Bun.spawn([program, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const timer = setTimeout(() => child.kill("SIGKILL"), ANSWER_MS);
  const [text, said, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(timer);
  if (child.signalCode === "SIGKILL")
    throw new Fault("unavailable", "silent", `corosync does not answer within ${ANSWER_MS / 1_000} s: is it stopped?`);
  if (status !== 0) {
    const why = /CS_ERR_ACCESS|Permission/i.test(said)
      ? "only root may ask it"
      : "it does not run; systemctl start corosync, then journalctl -u corosync";
    throw new Fault("unavailable", "not-running", `cannot ask corosync: ${why}`);
  }
  return parseMap(text);
}
