import { describe, expect, test } from "bun:test";
import { parse } from "smol-toml";
import * as v from "valibot";
import { parseSpreadConf } from "../../lib/spread/spread-conf.ts";
import { importSpreadConf } from "../../lib/spreadd/spread-conf-import.ts";
import { spreaddTable } from "../../lib/spreadd/table.ts";

const conf = (text: string) => parseSpreadConf(text, "spread.conf");

/** The imported table as TOML reads it; it must be right for our schema too. */
function imported(text: string, name: string, accessFile?: string) {
  const { toml, notes } = importSpreadConf(conf(text), name, accessFile);
  const table = (parse(toml) as { spreadd: Record<string, unknown> }).spreadd;
  const read = v.parse(spreaddTable.schema, table);
  return { table, notes, complaints: spreaddTable.check!(read) };
}

const THREE = `
Spread_Segment 10.0.0.255:4804 {
  node1 10.0.0.1 { 10.0.0.1 C 192.0.2.1 }
  node2 10.0.0.2
  node3 10.0.0.3
}
MaxSessionMessages = 5000
DaemonUser = spread
TokenTimeout = 1000
HurryTimeout = 1000
AliveTimeout = 1000
JoinTimeout = 1000
RepTimeout = 1000
SegTimeout = 1000
GatherTimeout = 1000
FormTimeout = 1000
LookupTimeout = 1000
`;

describe("a spread.conf imported", () => {
  test("gives a daemon its name, port, client addresses and queue, and names the rest", () => {
    const { table, notes, complaints } = imported(THREE, "node1");
    expect(table).toEqual({ name: "node1", port: 4804, listen: ["10.0.0.1", "192.0.2.1"], queue_messages_max: 5_000 });
    expect(complaints).toEqual([]);
    expect(notes).toEqual([
      "spreadd serves this host alone: the other daemons (node2, node3) form no group with it",
      "DaemonUser: left out, spreadd runs as whom the service manager starts it",
      expect.stringMatching(/^TokenTimeout, .*LookupTimeout: left out, there is no ring of daemons to tune$/),
    ]);
  });

  test("opens no more addresses than loopback and the daemon's own where the file lists none", () => {
    const { table, notes } = imported(THREE, "node2");
    expect(table["listen"]).toEqual(["127.0.0.1", "10.0.0.2"]);
    expect(notes[0]).toStartWith("the real daemon listened for TCP on all addresses");
  });

  test("takes authentication over, with the access file", () => {
    const text = `Spread_Segment 127.0.0.255 { one 127.0.0.1 }\nAllowedAuthMethods = "NULL IP PWORD"\nRequiredAuthMethods = "IP"\n`;
    const access = "# who may\nlocal\n10.0.0.0/8 # inside\n192.0.2.7\nunix # sockets\nnonsense here\n";
    const { table, notes, complaints } = imported(text, "one", access);
    expect(table).toEqual({
      name: "one",
      port: 4_803,
      listen: ["127.0.0.1"],
      auth: ["NULL", "IP", "PWORD"],
      auth_required: ["IP"],
      password_file: "/etc/spread.access_pword",
      access_ip: ["local", "10.0.0.0/8", "192.0.2.7", "unix"],
    });
    expect(complaints).toEqual([]);
    expect(notes).toContain('"nonsense here" of the access file is no address or network: it is left out');
  });

  test("says that nobody may connect where IP is asked for and there is no access file", () => {
    const { notes } = imported(`Spread_Segment 127.0.0.255 { one 127.0.0.1 }\nAllowedAuthMethods = "IP"\n`, "one");
    expect(notes).toContain("method IP has no access file: nobody may connect until access_ip names somebody");
  });

  test("names the nearest daemon where there is none of that name", () => {
    expect(() => importSpreadConf(conf(THREE), "node11", undefined)).toThrow(
      'no daemon is called "node11"; did you mean "node1"?',
    );
    expect(() => importSpreadConf(conf(THREE), "mail", undefined)).toThrow("there are node1, node2, node3");
  });
});
