import type { TableSpec } from "../lib/base/table.ts";
import { logcatTable } from "../lib/logcat/table.ts";
import { moleTable } from "../lib/mole/table.ts";
import { spreadTable } from "../lib/spread/table.ts";
import { spreaddTable } from "../lib/spreadd/table.ts";
import { syslogdTable } from "../lib/syslogd/table.ts";

/** Every table that the one config file may have. All are checked, whichever command runs; a mistake stops those that read the table. */
export const tables: readonly TableSpec[] = [spreadTable, spreaddTable, syslogdTable, logcatTable, moleTable];
