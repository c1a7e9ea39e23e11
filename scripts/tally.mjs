// Reads the JUnit report of `bun test` and prints the one line that CI reads. Fails where a test failed, the runner did, or nothing ran.
import { readFileSync } from "node:fs";

const [, , report, runnerStatus] = process.argv;
let text = "";
try {
  text = readFileSync(report, "utf8");
} catch {
  // No report: the runner died; said below.
}
const head = /<testsuites\b[^>]*>/.exec(text)?.[0] ?? "";
const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
const failed = count("failures") + count("errors");
const skipped = count("skipped");
const passed = count("tests") - failed - skipped;
const runnerFailed = runnerStatus !== "0" && failed === 0;
if (runnerFailed) console.error(`the test runner ended with status ${runnerStatus} and named no failed test`);
console.log(`${passed} passed, ${failed + (runnerFailed ? 1 : 0)} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || runnerFailed || passed === 0 ? 1 : 0;
