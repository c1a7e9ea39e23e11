// A selector as classic daemons read it, in the words of ours.
import { Fault } from "../base/fault.ts";
import { FACILITY_COUNT, facilityName } from "../syslog/facility.ts";
import { partedSelector } from "../syslog/selector.ts";

/**
 * The same selector for `parseSelector`. Classic daemons take commas and semicolons behind a priority for the same, however many. A number is a facility in them as it lies in
 * PRI, eight times what RFC 5424 numbers it: 16 is mail, and ours would be local0.
 * @throws {Fault} kind "config", code "selector": a number that is no facility's there
 */
export function classicSelector(text: string): string {
  return partedSelector(text.replace(/\s/g, "")).replace(
    /(^|[;,])(\d+)(?=[,.])/g,
    (_, before: string, digits: string) => {
      return `${before}${facilityOf(digits)}`;
    },
  );
}

function facilityOf(digits: string): string {
  const number = Number(digits);
  if (number % 8 === 0 && number / 8 < FACILITY_COUNT) return facilityName(number / 8);
  const meant =
    number < FACILITY_COUNT
      ? `; did you mean ${JSON.stringify(facilityName(number))}, which is ${number * 8} here?`
      : "";
  const found = `cannot read selector: ${digits} is no facility, expected a multiple of 8 below ${FACILITY_COUNT * 8}, as in <syslog.h>`;
  throw new Fault("config", "selector", `${found}${meant}`);
}
