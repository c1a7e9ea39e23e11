// Valibot schemas for the values that every table uses. Each message is what the user reads behind "expected": it names the form, never "Invalid type".
import * as v from "valibot";
import { DURATION_FORM, tryDuration } from "./duration.ts";
import { SIZE_FORM, trySize } from "./size.ts";

/** A schema for a string that `read` turns into a value of its own, `undefined` where it can't. @param form what is expected: "a duration such as ..." */
export function parsed<T>(form: string, read: (text: string) => T | undefined) {
  return v.pipe(
    v.string(form),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = read(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: form });
      return NEVER;
    }),
  );
}

/** A duration; the output is milliseconds. */
export const duration = () => parsed(DURATION_FORM, tryDuration);

/** A size; the output is bytes. */
export const size = () => parsed(SIZE_FORM, trySize);

/** A whole number within bounds, both included. */
export function integer(least: number, most: number) {
  const form = `a whole number from ${least} to ${most}`;
  return v.pipe(v.number(form), v.integer(form), v.minValue(least, form), v.maxValue(most, form));
}
