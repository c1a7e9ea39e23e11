// A host for tests of one machine by itself.
import { define } from "../../lib/mole/definition.ts";
import type { HostConfig } from "../../lib/mole/event.ts";
import { DEFAULT_TIMES } from "../../lib/mole/times.ts";

export const web = define({ name: "web", addresses: ["192.0.2.1"] });

/** Host A, which covers `web`. @param hosts the list of hosts; none: whoever comes */
export function hostA(hosts: readonly string[] = []): HostConfig {
  return {
    host: "A",
    machine: "m-A",
    capacity: 1,
    mode: "available",
    times: DEFAULT_TIMES,
    definitions: [web],
    hosts,
    tiebreak: undefined,
  };
}
