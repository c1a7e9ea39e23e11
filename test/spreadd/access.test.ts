import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "../../lib/base/ip-address.ts";
import { nameBytes, nameField } from "../../lib/spread/name-field.ts";
import { EVERYTHING, GroupPatterns, permissionsOf } from "../../lib/spreadd/access.ts";
import { type Attempt, authenticate } from "../../lib/spreadd/authentication.ts";
import { contains, type KnownPeerSet, type Peer, tryPeerSet } from "../../lib/spreadd/peer.ts";
import { cases } from "../support/fuzz.ts";

const ROOT: Peer = { by: "unix", uid: 0, gids: [0], pid: 1 };
const ADMIN: Peer = { by: "unix", uid: 1_000, gids: [1_000, 4], pid: 2 };
const LOCAL: Peer = { by: "tcp", address: parseAddress("127.0.0.1") };
const LOCAL6: Peer = { by: "tcp", address: parseAddress("::1") };
const REMOTE: Peer = { by: "tcp", address: parseAddress("10.1.2.3") };

const set = (text: string): KnownPeerSet => {
  const read = tryPeerSet(text);
  if (
    read === undefined ||
    (read.of === "user" && typeof read.user === "string") ||
    (read.of === "group" && typeof read.group === "string")
  )
    throw new Error(`no set with numbers: ${text}`);
  return read as KnownPeerSet;
};

describe("a set of peers", () => {
  for (const [text, members] of [
    ["all", [ROOT, ADMIN, LOCAL, LOCAL6, REMOTE]],
    ["unix", [ROOT, ADMIN]],
    ["user:0", [ROOT]],
    ["group:4", [ADMIN]],
    ["local", [LOCAL, LOCAL6]],
    ["10.0.0.0/8", [REMOTE]],
    ["::1", [LOCAL6]],
    ["0.0.0.0/0", [LOCAL, REMOTE]],
  ] as const)
    test(`"${text}" has just those it names`, () =>
      expect([ROOT, ADMIN, LOCAL, LOCAL6, REMOTE].filter((peer) => contains(set(text), peer))).toEqual([...members]));

  for (const wrong of ["", "root", "user:", "user:a:b", "group:a b", "10.0.0.1/8", "10.0.0", "anyone"])
    test(`${JSON.stringify(wrong)} is none`, () => expect(tryPeerSet(wrong)).toBeUndefined());
});

describe("a pattern of groups", () => {
  const matches = (pattern: string, name: string) => {
    const field = nameField(name);
    return new GroupPatterns([pattern]).match(field, 0, nameBytes(field, 0));
  };
  for (const [pattern, name, expected] of [
    ["log.*", "log.mail", true],
    ["log.*", "log.", true],
    ["log.*", "log", false],
    ["*.mail", "log.mail", true],
    ["*.mail", "log.mail.x", false],
    ["l?g", "log", true],
    ["l?g", "lg", false],
    ["a*b*c", "aXbXbc", true],
    ["a*b*c", "aXcXb", false],
    ["", "", true],
    ["*", "", true],
    ["#*", "#alice#dmn1", true],
    ["log", "logs", false],
  ] as const)
    test(`"${pattern}" ${expected ? "matches" : "does not match"} "${name}"`, () =>
      expect(matches(pattern, name)).toBe(expected));

  test("matches as a regular expression of the same meaning does", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 });
    fc.assert(
      fc.property(letters, name, (pattern, text) => {
        const same = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
        expect(matches(pattern, text)).toBe(same.test(text));
      }),
      cases(3_000),
    );
  });
});

describe("rules", () => {
  const rules = [
    { from: [set("user:0")], send: ["*"], join: ["*"] },
    { from: [set("group:4"), set("local")], send: [], join: ["log.*"] },
    { from: [set("unix")], send: ["app.*"], join: [] },
  ];
  const may = (peer: Peer, what: "send" | "join", group: string) => {
    const field = nameField(group);
    return permissionsOf(rules, peer)?.[what].match(field, 0, nameBytes(field, 0));
  };

  test("that are none allow everything to everybody", () => expect(permissionsOf([], REMOTE)).toBe(EVERYTHING));
  test("that do not name a peer keep it out", () => expect(permissionsOf(rules, REMOTE)).toBeUndefined());
  test("allow together what each of them allows", () => {
    expect([may(ADMIN, "join", "log.mail"), may(ADMIN, "join", "other")]).toEqual([true, false]);
    expect([may(ADMIN, "send", "app.x"), may(ADMIN, "send", "log.mail")]).toEqual([true, false]);
    expect([may(LOCAL, "send", "app.x"), may(LOCAL, "join", "log.mail")]).toEqual([false, true]);
    expect([may(ROOT, "send", "#x#y"), may(ROOT, "join", "anything")]).toEqual([true, true]);
  });
});

describe("authentication", () => {
  const attempt = (methods: readonly string[] | undefined, peer: Peer = LOCAL): Attempt => ({
    peer,
    methods,
    password: undefined,
  });
  const auth = (
    methods: readonly ("NULL" | "IP" | "PWORD")[],
    required: readonly ("NULL" | "IP")[] = [],
    accessIp = ["local"],
  ) => ({
    methods,
    required,
    accessIp: accessIp.map(set),
  });
  for (const { name, rules, chosen, peer, admitted } of [
    { name: "NULL lets anybody in", rules: auth(["NULL"]), chosen: ["NULL"], peer: REMOTE, admitted: true },
    { name: "IP lets in whom it names", rules: auth(["IP"]), chosen: ["IP"], peer: LOCAL, admitted: true },
    { name: "IP keeps out whom it does not name", rules: auth(["IP"]), chosen: ["IP"], peer: REMOTE, admitted: false },
    {
      name: "IP keeps out unix sockets unless it names them",
      rules: auth(["IP"]),
      chosen: ["IP"],
      peer: ROOT,
      admitted: false,
    },
    {
      name: "IP lets in unix sockets by name, unlike the real 5.0.1",
      rules: auth(["IP"], [], ["unix"]),
      chosen: ["IP"],
      peer: ROOT,
      admitted: true,
    },
    { name: "no method is no way in", rules: auth(["NULL"]), chosen: [], peer: LOCAL, admitted: false },
    {
      name: "all methods chosen must succeed",
      rules: auth(["NULL", "IP"]),
      chosen: ["NULL", "IP"],
      peer: REMOTE,
      admitted: false,
    },
    { name: "a method not offered fails", rules: auth(["NULL"]), chosen: ["IP"], peer: LOCAL, admitted: false },
    {
      name: "a required one counts without being chosen",
      rules: auth(["NULL"], ["IP"]),
      chosen: ["NULL"],
      peer: REMOTE,
      admitted: false,
    },
    {
      name: "an old client is looked at by its address where IP is offered",
      rules: auth(["IP"]),
      chosen: undefined,
      peer: REMOTE,
      admitted: false,
    },
    {
      name: "an old client is let in where NULL is offered alone",
      rules: auth(["NULL"]),
      chosen: undefined,
      peer: REMOTE,
      admitted: true,
    },
    {
      name: "an old client is kept out where only passwords count",
      rules: auth(["PWORD"]),
      chosen: undefined,
      peer: LOCAL,
      admitted: false,
    },
    { name: "PWORD without a password fails", rules: auth(["PWORD"]), chosen: ["PWORD"], peer: LOCAL, admitted: false },
  ])
    test(name, () => expect(authenticate(rules, attempt(chosen, peer), () => true)).toBe(admitted));

  test("PWORD asks whether user and password are known", () => {
    const password = { user: "alice", password: "secret12" };
    const known = (asked: typeof password) => asked.user === "alice" && asked.password === "secret12";
    expect(authenticate(auth(["PWORD"]), { ...attempt(["PWORD"]), password }, known)).toBe(true);
    expect(
      authenticate(auth(["PWORD"]), { ...attempt(["PWORD"]), password: { ...password, user: "bob" } }, known),
    ).toBe(false);
  });
});
