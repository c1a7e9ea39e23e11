import type { Sample } from "./counters.ts";

/** What an HTTP answer with this text calls itself. */
export const OPEN_METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/**
 * Writes samples as OpenMetrics text (specification 1.0.0, section "Text format"), ended by `# EOF`.
 * @param prefix put before every name: "spreadbox_syslogd"
 * @param samples grouped by name, as `Registry.samples` gives them
 */
export function openMetrics(prefix: string, samples: readonly Sample[]): string {
  let text = "";
  let family = "";
  for (const { name, kind, help, labels, value } of samples) {
    const full = `${prefix}_${name}`;
    if (full !== family) {
      family = full;
      text += `# TYPE ${full} ${kind}\n# HELP ${full} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`;
    }
    text += `${full}${kind === "counter" ? "_total" : ""}${labelText(labels)} ${value}\n`;
  }
  return `${text}# EOF\n`;
}

function labelText(labels: Sample["labels"]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (value: string) => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
