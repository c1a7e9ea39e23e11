// What `cluster init` writes: the same files for every host of the ring.
import { formatDuration } from "../base/duration.ts";
import { writeCorosyncConf } from "./corosync-conf.ts";
import { type Node, shortName } from "./nodes.ts";
import { detectionMs, type Mode, moleTimes, type Profile, spreaddSilenceMs, timesOf } from "./profile.ts";

export const COROSYNC_CONF_PATH = "/etc/corosync/corosync.conf";
export const AUTHKEY_PATH = "/etc/corosync/authkey";
export const MOLE_KEY_PATH = "/etc/spreadbox/mole.key";
export const CLUSTER_TOML_PATH = "/etc/spreadbox/conf.d/cluster.toml";

/** As long as corosync-keygen makes it; libknet takes 128 to 4,096 bytes. */
export const AUTHKEY_BYTES = 256;
export const MOLE_KEY_BYTES = 32;

export interface PlannedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
  /** It is secret: never shown. */
  readonly secret: boolean;
}

export interface InitChoices {
  readonly cluster: string;
  readonly nodes: readonly Node[];
  readonly profile: Profile;
  readonly mode: Mode;
  readonly authkey: Uint8Array;
  readonly moleKey: Uint8Array;
}

export function plannedFiles(choices: InitChoices): readonly PlannedFile[] {
  const text = (path: string, content: string) => ({
    path,
    bytes: new TextEncoder().encode(content),
    mode: 0o644,
    secret: false,
  });
  const key = (path: string, bytes: Uint8Array) => ({ path, bytes, mode: 0o400, secret: true });
  return [
    text(COROSYNC_CONF_PATH, writeCorosyncConf(choices)),
    key(AUTHKEY_PATH, choices.authkey),
    text(CLUSTER_TOML_PATH, clusterToml(choices)),
    key(MOLE_KEY_PATH, choices.moleKey),
  ];
}

function clusterToml({ nodes, profile, mode }: InitChoices): string {
  const times = timesOf(profile);
  const { silenceMs, leaseMs } = moleTimes(times, mode);
  const hosts = nodes.map(({ name }) => JSON.stringify(shortName(name))).join(", ");
  return `\
# Written by spreadbox cluster init --profile ${profile} --mode ${mode}. The same on all hosts; what differs goes into another file.

# One daemon on each host; together they are one group communication system, ordered by corosync.
[spreadd]
engine = "corosync"
# corosync counts as dead when it does not send our own messages back for this: longer than a change of the ring takes.
silence = "${formatDuration(spreaddSilenceMs(times))}"

[mole]
hosts = [${hosts}]
# When the network parts: "available": each part covers all addresses; "safe": only the part with more than half of the hosts.
mode = "${mode}"
key_file = "${MOLE_KEY_PATH}"
# A dead host is noticed after ${formatDuration(detectionMs(times))} (token + consensus in ${COROSYNC_CONF_PATH}); who is mute for longer than this
# is thrown out, and one that finds itself mute gives its addresses up.
silence = "${formatDuration(silenceMs)}"
# The kernel takes an address away that has not been renewed for so long, should all else fail.
lease = "${formatDuration(leaseMs)}"
`;
}
