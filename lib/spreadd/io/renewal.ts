import { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { RunningDaemon } from "./serve.ts";

/** SIGHUP: certificates were renewed. Bad ones are told, and change nothing. */
export function renewCertificates(daemon: RunningDaemon, log: Log): void {
  try {
    log.notice(daemon.renewCertificates());
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.error(`goes on with the certificates it has: ${error.message}`);
  }
}
