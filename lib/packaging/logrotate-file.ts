// What logrotate has to know of the files that syslogd and the recorder write, by their configuration, and of what init scripts leave.
import { initLogPath, SERVICES } from "./service.ts";

/** The files of a service that don't rotate by themselves, as patterns of a shell. */
export interface WrittenFiles {
  readonly patterns: readonly string[];
  /** How the service is told to open them anew: "syslogd reopen". */
  readonly reopen: string;
}

/** For /etc/logrotate.d. @param written those without files are left out */
export function logrotateFile(written: readonly WrittenFiles[], executable: string): string {
  const logs = SERVICES.map(initLogPath);
  return `# ${executable} generate logrotate > /etc/logrotate.d/spreadbox
# By the configuration as it was then. Files with rotate_size or rotate_age are not here: the service puts them aside itself.
${written
  .flatMap(({ patterns }) => patterns)
  .filter(endsOpen)
  .map(
    (pattern) => `# Not here, since what was put aside would be taken for more of them: ${pattern} (set rotate_age)\n`,
  )
  .join("")}${written
  .map(({ patterns, reopen }) => ({ patterns: patterns.filter((pattern) => !endsOpen(pattern)), reopen }))
  .filter(({ patterns }) => patterns.length > 0)
  .map(
    ({ patterns, reopen }) => `
${[...new Set(patterns)].map(quoted).join("\n")}
{
    weekly
    rotate 4
    missingok
    notifempty
    compress
    # The service makes the new file, with the owner and mode of the configuration. Once it has opened it nothing is written to the old one any more.
    nocreate
    sharedscripts
    postrotate
        # 69: it does not run, and so has no file open.
        ${executable} ${reopen} >/dev/null || [ $? -eq 69 ]
    endscript
}
`,
  )
  .join("")}
# What services that were started by init scripts say on stderr. The shell has opened it for them, so it can't be opened anew.
${logs.join("\n")}
{
    monthly
    rotate 4
    size 100k
    missingok
    notifempty
    compress
    copytruncate
}
`;
}

/**
 * The pattern for all paths of a template: "/var/log/%host%/%app%.log" becomes "/var/log/∗/∗.log" (with plain asterisks).
 * Characters that a shell's patterns know otherwise are taken as they stand.
 */
export function globOf(template: string): string {
  return template.replace(/%%|%[^%]+%|[*?[\]\\]/g, (found) =>
    found === "%%" ? "%" : found.startsWith("%") ? "*" : `\\${found}`,
  );
}

/** "/var/log/hosts/∗" is for "/var/log/hosts/web1.1.gz" as well. */
const endsOpen = (pattern: string) => pattern.endsWith("*") && !pattern.endsWith("\\*");

/** logrotate takes paths with blanks in double quotes. */
const quoted = (pattern: string) => (/[\s"']/.test(pattern) ? `"${pattern.replaceAll('"', '\\"')}"` : pattern);
