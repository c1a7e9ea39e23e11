// What logrotate has to know of the files that syslogd and the recorder write, by their configuration, and of what init scripts leave.
import { initLogPath, SERVICES } from "./service.ts";

/** The files of a service that don't rotate by themselves, as patterns of a shell. */
export interface WrittenFiles {
  readonly patterns: readonly string[];
  /** How the service is told to open them anew: "syslogd reopen". */
  readonly reopen: string;
}

/** Directories that are many packages': a pattern that begins there would take their files, too. */
const SHARED = ["/", "/home", "/mnt", "/opt", "/run", "/srv", "/tmp", "/var", "/var/log", "/var/tmp"];

/** What rsyslog's own file on Debian names. */
const OF_RSYSLOG =
  /^\/var\/log\/(?:syslog|messages|debug|(?:auth|cron|daemon|kern|lpr|mail|user)\.log|mail\.(?:info|warn|err))$/;

/** For /etc/logrotate.d: no file is named twice, since logrotate refuses all of a section that has it again. @param written those without files are left out */
export function logrotateFile(written: readonly WrittenFiles[], executable: string): string {
  const logs = SERVICES.map(initLogPath);
  const left: string[] = [];
  const sections: { readonly patterns: string[]; readonly reopen: string }[] = [{ patterns: logs, reopen: "" }];
  for (const { patterns, reopen } of written) {
    const kept: string[] = [];
    sections.push({ patterns: kept, reopen });
    // Patterns first: a path that one of them takes needs no line of its own.
    for (const pattern of [...new Set(patterns)].toSorted(
      (one, other) => Number(isOpen(other)) - Number(isOpen(one)),
    )) {
      const why = whyLeft(pattern, sections, kept);
      if (why === undefined) kept.push(pattern);
      else if (why !== "") left.push(`# Not here: ${pattern}, since ${why}`);
    }
  }
  const rsyslogs = sections.flatMap(({ patterns }) => patterns).filter((pattern) => OF_RSYSLOG.test(pattern));
  return `# ${executable} generate logrotate > /etc/logrotate.d/spreadbox
# By the configuration as it was then. Files with rotate_size or rotate_age are not here: the service puts them aside itself.
${rsyslogs.length === 0 ? "" : `# Debian's /etc/logrotate.d/rsyslog may name ${rsyslogs.join(", ")}, too: take them out there, or that file away, since logrotate refuses what it finds twice.\n`}${left
  .map((line) => `${line}\n`)
  .join("")}${sections
  .slice(1)
  .filter(({ patterns }) => patterns.length > 0)
  .map(
    ({ patterns, reopen }) => `
${patterns.map(quoted).join("\n")}
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
    maxsize 100k
    rotate 4
    missingok
    notifempty
    compress
    copytruncate
}
`;
}

/** Why a pattern is not to be in the file; `""`: others have all of it; `undefined`: it is to be. */
function whyLeft(
  pattern: string,
  sections: readonly { readonly patterns: readonly string[] }[],
  own: readonly string[],
): string | undefined {
  const does = "set rotate_size or rotate_age of its sink";
  if (endsOpen(pattern)) return `what was put aside would be taken for more of them: ${does}`;
  const directory = fixedDirectory(pattern);
  if (directory !== undefined && SHARED.includes(directory))
    return `files in ${directory} are others', too: ${does}, or give them a directory of their own`;
  if (!isOpen(pattern) && own.some((other) => overlap(pattern, other))) return "";
  const other = sections.flatMap(({ patterns }) => patterns).find((one) => overlap(pattern, one));
  return other === undefined ? undefined : `${other} may be the same file: ${does}`;
}

/** The directory below which a pattern looks; `undefined` where it is a path. */
function fixedDirectory(pattern: string): string | undefined {
  const [fixed, open] = splitAtField(pattern);
  return open === "" ? undefined : fixed.slice(0, fixed.lastIndexOf("/")) || "/";
}

/** A pattern up to its first plain asterisk, and from there. */
function splitAtField(pattern: string): readonly [fixed: string, open: string] {
  const [fixed] = /^(?:\\.|[^*\\])*/s.exec(pattern)!;
  return [fixed, pattern.slice(fixed.length)];
}

const isOpen = (pattern: string) => splitAtField(pattern)[1] !== "";

/** Whether some path is taken by both patterns. An asterisk is any text without "/". */
function overlap(one: string, other: string): boolean {
  const parts = (pattern: string): readonly string[] => pattern.match(/\\.|[^\\]/gs) ?? [];
  const [a, b] = [parts(one), parts(other)];
  // Row by row: whether what is left of a, from i, and of b, from j, has a path in common.
  let next: boolean[] = [];
  for (let i = a.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = b.length; j >= 0; j--) {
      const [x, y] = [a[i], b[j]];
      if (x === undefined && y === undefined) row[j] = true;
      else if (x === "*" && (next[j] || (y !== undefined && y !== "/" && row[j + 1]))) row[j] = true;
      else if (y === "*" && (row[j + 1] || (x !== undefined && x !== "/" && next[j]))) row[j] = true;
      else row[j] = x !== undefined && x === y && next[j + 1] === true;
    }
    next = row;
  }
  return next[0] === true;
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
