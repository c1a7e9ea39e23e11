import type { ProcessSettings } from "../base/process-settings.ts";
import type { WriteRule } from "./write-rule.ts";

/** All that a recorder needs to know. */
export interface RecordSettings {
  readonly rules: readonly WriteRule[];
  /** "": as the system calls it. */
  readonly host: string;
  /** Directory for what a recorder has to remember. */
  readonly state: string;
  /** "": no control socket. */
  readonly control: string;
  readonly process: ProcessSettings;
}
