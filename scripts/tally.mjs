// Reads the reports of `bun test` in a directory, each NAME.xml (JUnit) with the runner's status in NAME.status and what it printed in NAME.log. Prints once more what the
// failed tests printed, and at last the one line that CI reads. Fails where a test failed, a runner did, or nothing ran.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const directory = process.argv[2];
let [passed, failed, skipped] = [0, 0, 0];
for (const file of readdirSync(directory).filter((name) => name.endsWith(".status"))) {
  const name = file.slice(0, -".status".length);
  const status = readFileSync(join(directory, file), "utf8").trim();
  const report = reportOf(join(directory, `${name}.xml`));
  passed += report.passed;
  failed += report.failed;
  skipped += report.skipped;
  for (const said of failuresIn(join(directory, `${name}.log`))) console.log(said);
  if (status !== "0" && report.failed === 0) {
    console.error(`the test runner (${name}) ended with status ${status} and named no failed test`);
    failed += 1;
  }
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** What was printed since the test before, for each that failed, with the file it is in. */
function failuresIn(path) {
  const failures = [];
  let [file, said] = ["", []];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (/^\S+\.test\.tsx?:$/.test(line)) [file, said] = [line, []];
    else if (/^\((pass|skip|todo)\) /.test(line)) said = [];
    else if (line.startsWith("(fail) ")) {
      failures.push(["", file, ...said.slice(-60), line].join("\n"));
      said = [];
    } else if (/^\d+ tests? (failed|skipped):$/.test(line))
      break; // Bun's own list, of names
    else said.push(line);
  }
  return failures;
}

/** No report: the runner died; its status says so. */
function reportOf(path) {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // counts nothing
  }
  const head = /<testsuites\b[^>]*>/.exec(text)?.[0] ?? "";
  const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  return { failed, skipped, passed: count("tests") - failed - skipped };
}
