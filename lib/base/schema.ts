// Valibot schemas for the values that every table uses. A message of ours is what the user reads behind "found 5, expected ": it names the form
// ("a duration such as ..."), never "Invalid type", and may end with a proposal ('; did you mean "5s"?').
import * as v from "valibot";
import { DURATION_FORM, tryDuration } from "./duration.ts";
import { Fault } from "./fault.ts";
import * as ip from "./ip-address.ts";
import { SIZE_FORM, trySize } from "./size.ts";

/** What a schema for text can tell besides its form: to the user who got it wrong, and to editors by the JSON Schema. */
export interface Hints {
  readonly examples?: readonly string[];
  /** What every good text matches; more may match. Without flags. */
  readonly pattern?: RegExp;
  /** The good text that a bad one was meant for, such as "5s" for "5 sec"; numbers and booleans come as they are written. */
  readonly suggest?: (text: string) => string | undefined;
}

/** Stands in an issue's `expected` where its message is a whole complaint already, not the form that was expected. */
export const WHOLE_COMPLAINT = "whole complaint";

/** A schema for a string that `read` turns into a value of its own, `undefined` where it can't. @param form what is expected: "a duration such as ..." */
export function parsed<T>(form: string, read: (text: string) => T | undefined, hints: Hints = {}) {
  return v.pipe(
    textOf(form, hints),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = read(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: expected(form, hints, dataset.value) });
      return NEVER;
    }),
  );
}

/** As `parsed`, for a `read` that throws a `Fault` whose message says best what is wrong: 'unknown facility "mial"; did you mean "mail"?' */
export function explained<T>(form: string, read: (text: string) => T, hints: Hints = {}) {
  return v.pipe(
    textOf(form, hints),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return read(dataset.value);
      } catch (failure) {
        if (!(failure instanceof Fault)) throw failure;
        addIssue({ message: failure.message, expected: WHOLE_COMPLAINT });
        return NEVER;
      }
    }),
  );
}

/** A duration; the output is milliseconds. */
export const duration = () =>
  parsed(DURATION_FORM, tryDuration, {
    examples: ["500ms", "5s", "2m30s", "1h", "7d"],
    pattern: /^(0|([0-9]+(\.[0-9]+)?(ms|[smhdw]))+)$/,
    suggest: suggestDuration,
  });

/** A size; the output is bytes. */
export const size = () =>
  parsed(SIZE_FORM, trySize, {
    examples: ["64KiB", "256MiB", "10MB", "1GiB"],
    pattern: /^(0|[0-9]+(\.[0-9]+)? ?([kMGT]?B|[KMGT]iB))$/,
    suggest: suggestSize,
  });

/** A whole number within bounds, both included. */
export function integer(least: number, most: number) {
  const form = `a whole number from ${least} to ${most}`;
  return v.pipe(v.number(form), v.integer(form), v.minValue(least, form), v.maxValue(most, form));
}

/** An IP address. */
export const ipAddress = () =>
  parsed(ip.ADDRESS_FORM, ip.tryAddress, {
    examples: ["192.0.2.7", "2001:db8::7"],
    suggest: (text) => ip.tryInterfaceAddress(text) && ip.formatAddress(ip.tryInterfaceAddress(text)!.address),
  });

/** A network for allow-lists: no bit set behind the prefix; an address alone is a network of one. */
export const network = () =>
  parsed(ip.NETWORK_FORM, ip.tryNetwork, {
    examples: ["192.0.2.0/24", "2001:db8::/32", "192.0.2.7"],
    suggest: ip.networkAround,
  });

/** A host's own address, with or without the length of its network. */
export const interfaceAddress = () =>
  parsed(ip.INTERFACE_ADDRESS_FORM, ip.tryInterfaceAddress, {
    examples: ["192.0.2.7", "192.0.2.7/24", "2001:db8::7/64"],
  });

function textOf(form: string, hints: Hints) {
  return v.pipe(
    v.string((issue) => expected(form, hints, typeof issue.input === "object" ? undefined : String(issue.input))),
    v.metadata({
      description: form,
      ...(hints.examples && { examples: hints.examples }),
      ...(hints.pattern && { pattern: hints.pattern.source }),
    }),
  );
}

function expected(form: string, hints: Hints, found: string | undefined): string {
  const meant = found === undefined ? undefined : hints.suggest?.(found);
  return meant === undefined ? form : `${form}; did you mean ${JSON.stringify(meant)}?`;
}

/** "5 seconds" and "5sec" meant "5s"; a bare number most likely meant seconds. */
function suggestDuration(text: string): string | undefined {
  const tidy = text
    .toLowerCase()
    .replace(/(\d)[ _]*([a-z]+)[ ,]*/g, (_, digit: string, unit: string) => digit + shortUnit(unit))
    .trim();
  const meant = /^\d+(\.\d+)?$/.test(tidy) ? `${tidy}s` : tidy;
  return meant !== text && tryDuration(meant) !== undefined ? meant : undefined;
}

function shortUnit(unit: string): string {
  if (/^(ms|millis|msecs?|milliseconds?)$/.test(unit)) return "ms";
  if (/^(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)$/.test(unit)) return unit[0]!;
  return unit;
}

/** "64k", "64 kib" and "64KB" meant "64KiB"; a bare number is bytes. */
function suggestSize(text: string): string | undefined {
  if (trySize(text.trim()) !== undefined) return text.trim();
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b?|bytes?)\s*$/i.exec(text);
  if (match === null) return undefined;
  const prefix = match[2]!.toUpperCase();
  const meant = prefix === "" ? `${match[1]}B` : `${match[1]}${prefix}iB`;
  return trySize(meant) === undefined ? undefined : meant;
}
