// Faults as lines that a person reads, and a soak prints: what stood in its story can be pasted into a test.
//
//   c spreadd killed | stopped | frozen | thawed | started      a service: by SIGKILL, in order, SIGSTOP, SIGCONT, once more
//   c cable pulled | plugged
//   c frozen | thawed                                           all its processes; its kernel goes on
//   c gone | back                                               cable out and all processes killed; cable in and services started again
//   partition a b | c                                           hosts of one part reach each other and nobody else
//   heal

/** One line, read. */
export type Act =
  | { readonly does: "service"; readonly host: string; readonly service: string; readonly how: ServiceFault }
  | { readonly does: "host"; readonly host: string; readonly how: HostFault }
  | { readonly does: "partition"; readonly parts: readonly (readonly string[])[] }
  | { readonly does: "heal" };

const SERVICE_FAULTS = ["killed", "stopped", "frozen", "thawed", "started"] as const;
const HOST_FAULTS = ["frozen", "thawed", "gone", "back", "cable pulled", "cable plugged"] as const;
export type ServiceFault = (typeof SERVICE_FAULTS)[number];
export type HostFault = (typeof HOST_FAULTS)[number];

/** @throws where the line is none of the above */
export function parseAct(line: string): Act {
  const words = line.trim().split(/\s+/);
  const [first = "", ...rest] = words;
  if (words.length === 1 && first === "heal") return { does: "heal" };
  if (first === "partition") {
    const parts = rest
      .join(" ")
      .split("|")
      .map((part) => part.trim().split(" ").filter(Boolean));
    if (parts.length > 1) return { does: "partition", parts };
  }
  const hostFault = HOST_FAULTS.find((how) => how === rest.join(" "));
  if (hostFault !== undefined) return { does: "host", host: first, how: hostFault };
  const [service, last] = rest;
  const serviceFault = SERVICE_FAULTS.find((how) => how === last);
  if (service !== undefined && serviceFault !== undefined && rest.length === 2)
    return { does: "service", host: first, service, how: serviceFault };
  throw new Error(`nothing does ${JSON.stringify(line)}`);
}
