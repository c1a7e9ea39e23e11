import { describe, expect, test } from "bun:test";
import { fileSchema } from "../../lib/config/json-schema.ts";
import { tables } from "./fixture.ts";

const schema = fileSchema(tables) as {
  properties: Record<
    string,
    { description?: string; properties: Record<string, Record<string, unknown>>; additionalProperties?: boolean }
  >;
};
const spreadd = schema.properties["spreadd"]!.properties;

test("the whole file's schema is draft 7, closed, and knows every table and directive", () => {
  expect(schema).toMatchObject({
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    additionalProperties: false,
  });
  expect(Object.keys(schema.properties)).toEqual(["include", "override", "spreadd", "syslogd"]);
  expect(schema.properties["spreadd"]?.additionalProperties).toBe(false);
});

describe("a key", () => {
  test("of a duration is a string, with what it means, its form, examples and default", () =>
    expect(spreadd["session_timeout"]).toEqual({
      type: "string",
      description: 'A dead peer is noticed within this. Form: a duration such as "500ms", "5s", "2m30s", "1h" or "7d"',
      examples: ["500ms", "5s", "2m30s", "1h", "7d"],
      pattern: "^(0|([0-9]+(\\.[0-9]+)?(ms|[smhdw]))+)$",
      default: "10s",
    }));
  test("of a number has its bounds", () =>
    expect(spreadd["port"]).toEqual({
      type: "integer",
      minimum: 1,
      maximum: 65535,
      default: 4803,
      description: "TCP port on loopback",
    }));
  test("of a choice has its values", () =>
    expect(spreadd["engine"]).toMatchObject({ enum: ["local", "corosync"], default: "local" }));
  test("of a list has its elements' form", () =>
    expect(spreadd["allow"]).toMatchObject({
      type: "array",
      items: { type: "string", examples: ["192.0.2.0/24", "2001:db8::/32", "192.0.2.7"] },
    }));
  test("that has to be there is required, of each element", () =>
    expect(schema.properties["syslogd"]?.properties["rule"]).toMatchObject({
      items: { required: ["to"], additionalProperties: false },
    }));
  test("of several forms has them all", () =>
    expect(schema.properties["syslogd"]?.properties["queue"]).toMatchObject({
      anyOf: [{ type: "string" }, { const: false }],
    }));
});

test("the schema is JSON", () => expect(JSON.parse(JSON.stringify(schema))).toEqual(schema));
