// What corosync knows of its ring, read from the maps that corosync-cmapctl prints: `KEY (TYPE) = VALUE`, a line each.

/** One link to another host. */
export interface LinkFacts {
  readonly link: number;
  readonly isUp: boolean;
  /** Microseconds there and back; `undefined` while not measured. */
  readonly latencyUs: number | undefined;
  readonly mtu: number;
  /** How often it went down since corosync was started. */
  readonly downCount: number;
}

export interface NodeFacts {
  readonly id: number;
  readonly name: string;
  readonly addresses: readonly string[];
  /** In the ring, as this host sees it. */
  readonly isMember: boolean;
  /** How often it came into the ring. */
  readonly joinCount: number;
  readonly isOwn: boolean;
  /** None to this host itself. */
  readonly links: readonly LinkFacts[];
}

export interface RingFacts {
  readonly nodes: readonly NodeFacts[];
  readonly transport: string;
  readonly cipher: string;
  readonly tokenMs: number;
  readonly consensusMs: number;
}

export type CorosyncMap = ReadonlyMap<string, string>;

/** Reads what corosync-cmapctl printed; what is no setting is passed over. */
export function parseMap(text: string): CorosyncMap {
  const map = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, key, value] = /^(\S+) \(\w+\) = ?(.*)$/.exec(line) ?? [];
    if (key !== undefined) map.set(key, value!);
  }
  return map;
}

/** @param main the icmap  @param stats the map "stats" */
export function ringFacts(main: CorosyncMap, stats: CorosyncMap): RingFacts {
  const number = (key: string) => Number(main.get(key) ?? 0);
  const nodes: NodeFacts[] = [];
  for (let at = 0; main.has(`nodelist.node.${at}.ring0_addr`); at++) nodes.push(nodeAt(main, stats, at));
  return {
    nodes,
    transport: main.get("totem.transport") ?? "knet",
    cipher: main.get("totem.crypto_cipher") ?? "none",
    tokenMs: number("runtime.config.totem.token"),
    consensusMs: number("runtime.config.totem.consensus"),
  };
}

function nodeAt(main: CorosyncMap, stats: CorosyncMap, at: number): NodeFacts {
  const setting = (key: string) => main.get(`nodelist.node.${at}.${key}`);
  const id = Number(setting("nodeid") ?? at + 1);
  const addresses: string[] = [];
  for (let link = 0; setting(`ring${link}_addr`) !== undefined; link++) addresses.push(setting(`ring${link}_addr`)!);
  const isOwn = main.get("nodelist.local_node_pos") === String(at);
  return {
    id,
    name: setting("name") ?? addresses[0]!,
    addresses,
    isMember: main.get(`runtime.members.${id}.status`) === "joined",
    joinCount: Number(main.get(`runtime.members.${id}.join_count`) ?? 0),
    isOwn,
    links: isOwn ? [] : addresses.flatMap((_, link) => linkOf(stats, id, link)),
  };
}

function linkOf(stats: CorosyncMap, id: number, link: number): LinkFacts[] {
  const value = (key: string) => stats.get(`stats.knet.node${id}.link${link}.${key}`);
  if (value("connected") === undefined) return []; // another transport than knet has no links
  const samples = Number(value("latency_samples") ?? 0);
  return [
    {
      link,
      isUp: value("connected") === "1",
      latencyUs: samples === 0 ? undefined : Number(value("latency_ave")),
      mtu: Number(value("mtu") ?? 0),
      downCount: Number(value("down_count") ?? 0),
    },
  ];
}
