import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { Fault } from "../../lib/base/fault.ts";
import { formatNetwork } from "../../lib/base/ip-address.ts";
import * as schema from "../../lib/base/schema.ts";

const messageFor = (form: v.GenericSchema, input: unknown) => v.safeParse(form, input).issues?.[0]?.message;

describe("a duration", () => {
  test("is read as milliseconds", () => expect(v.parse(schema.duration(), "1m30s")).toBe(90_000));
  for (const [wrong, meant] of [
    ["5 s", "5s"],
    ["5sec", "5s"],
    ["2 minutes 30 seconds", "2m30s"],
    ["1H", "1h"],
    ["90", "90s"],
    ["250 msec", "250ms"],
    [5, "5s"],
  ] as const)
    test(`given as ${JSON.stringify(wrong)} brings the proposal ${meant}`, () =>
      expect(messageFor(schema.duration(), wrong)).toEndWith(`; did you mean "${meant}"?`));
  for (const wrong of ["", "soon", "-5s", "5y", true, [], {}])
    test(`given as ${JSON.stringify(wrong)} brings the form alone`, () =>
      expect(messageFor(schema.duration(), wrong)).toMatch(/^a duration such as .*"7d"$/));
});

describe("a size", () => {
  test("is read as bytes", () => expect(v.parse(schema.size(), "64KiB")).toBe(65_536));
  for (const [wrong, meant] of [
    ["64k", "64KiB"],
    ["64 kib", "64KiB"],
    ["1g", "1GiB"],
    ["100", "100B"],
    [65536, "65536B"],
    ["10 bytes", "10B"],
  ] as const)
    test(`given as ${JSON.stringify(wrong)} brings the proposal ${meant}`, () =>
      expect(messageFor(schema.size(), wrong)).toEndWith(`; did you mean "${meant}"?`));
});

describe("addresses", () => {
  test("a network with bits behind its prefix brings the network around it", () =>
    expect(messageFor(schema.network(), "10.0.0.1/8")).toEndWith('; did you mean "10.0.0.0/8"?'));
  test("an address with a prefix brings the address alone", () =>
    expect(messageFor(schema.ipAddress(), "10.0.0.1/8")).toEndWith('; did you mean "10.0.0.1"?'));
  test("an interface address keeps its bits", () =>
    expect(formatNetwork(v.parse(schema.interfaceAddress(), "10.0.0.1/8"))).toBe("10.0.0.1/8"));
});

describe("a reader that explains itself", () => {
  const read = (text: string): string => {
    if (text !== "mail") throw new Fault("usage", "facility", `unknown facility ${JSON.stringify(text)}`);
    return text;
  };
  test("has its fault's message taken as the whole complaint", () => {
    const [issue] = v.safeParse(schema.explained("a facility", read), "mial").issues ?? [];
    expect([issue?.expected, issue?.message]).toEqual([schema.WHOLE_COMPLAINT, 'unknown facility "mial"']);
  });
  test("that fails by a mistake of ours is not taken for the user's", () => {
    const broken = schema.explained("a facility", () => {
      throw new TypeError("ours");
    });
    expect(() => v.safeParse(broken, "x")).toThrow("ours");
  });
  test("is asked for text only", () => expect(messageFor(schema.explained("a facility", read), 5)).toBe("a facility"));
});

test("every example and every text read matches the pattern that editors are given", () => {
  for (const form of [schema.duration(), schema.size()]) {
    const { examples = [], pattern = "" } = v.getMetadata(form);
    for (const example of [...examples, "0"]) {
      expect(v.safeParse(form, example).success).toBe(true);
      expect(example).toMatch(new RegExp(pattern));
    }
  }
});
