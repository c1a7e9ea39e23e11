// The JSON Schema of the file, for editors (taplo, the TOML extension of VS Code): completion, help at a key, a wave under what is wrong. Generated from the
// schemas that read the file, so that it can't say anything else. Where a schema's meaning is code (a selector), the form stands in its description.
import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { TableSpec } from "../base/table.ts";
import { DIRECTIVES } from "./directives.ts";
import { type Schema, viewOf } from "./schema-view.ts";

/** A JSON Schema (draft 7): what taplo reads. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The schema of the whole file. */
export function fileSchema(specs: readonly TableSpec[]): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const [name, description] of Object.entries(DIRECTIVES))
    properties[name] = { type: "array", items: { type: "string", minLength: 1 }, description };
  for (const spec of specs) properties[spec.name] = { ...tableSchema(spec.schema), description: spec.summary };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "spreadbox.toml",
    description: "The configuration of spreadbox: a table a command",
    type: "object",
    additionalProperties: false,
    properties,
  };
}

function tableSchema(schema: v.GenericSchema): JsonSchema {
  const { $schema: _draft, ...converted } = toJsonSchema(schema, {
    typeMode: "input",
    errorMode: "ignore",
    // The converter leaves a pipe where its input ends, and with that all that is said behind a transformation: the description of a key stands there.
    overrideSchema: ({ valibotSchema, jsonSchema }) => {
      const { entries } = viewOf(valibotSchema);
      if (entries === undefined || jsonSchema.properties === undefined) return jsonSchema;
      for (const [key, entry] of Object.entries(entries)) {
        const property = jsonSchema.properties[key];
        if (typeof property !== "object") continue;
        const description = [describe(entry)?.replace(/\.$/, ""), property.description].filter(
          (text, at, all) => text && all.indexOf(text) === at,
        );
        if (description.length > 0) property.description = description.join(". Form: ");
      }
      if (jsonSchema.required?.length === 0) delete jsonSchema.required;
      return jsonSchema;
    },
  });
  return converted as JsonSchema;
}

/** What is said of a key, wherever it is said: in its pipe, or in the one that is optional. */
export function describe(schema: Schema): string | undefined {
  for (const step of schema.pipe?.toReversed() ?? []) {
    if (step.kind === "metadata" && step.type === "description" && "description" in step)
      return String(step.description);
    if (step.kind === "schema" && step !== schema && "pipe" in step) {
      const inner = describe(step as Schema);
      if (inner !== undefined) return inner;
    }
  }
  return schema.wrapped && describe(schema.wrapped);
}
