// The entry point of the executable.
import { runProcess } from "../lib/cli/io/run.ts";
import { spreadbox } from "./spreadbox.ts";
import { version } from "./version.ts";

await runProcess(spreadbox, version);
