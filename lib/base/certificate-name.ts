// Names in certificates, and patterns for them: a host name, or a name with `*` as its first label.

/** `subjectAltName` as node's TLS writes it: `DNS:a.example, IP Address:192.0.2.7`, values with special characters as JSON. The common name where it has none (RFC 5425 section 5.2). */
export function namesOf(subjectAltName: string | undefined, commonName: string | undefined): string[] {
  const found = [...(subjectAltName ?? "").matchAll(/(?:^|, )(DNS|IP Address):(?:"((?:[^"\\]|\\.)*)"|([^,]*))/g)];
  const names = found.map((match) => match[2] ?? match[3] ?? "").filter((name) => name !== "");
  return names.length > 0 || commonName === undefined ? names : [commonName];
}

/** A lower-case name or pattern, `undefined` where the text is none: a `*` stands for the first label alone. */
export function tryNamePattern(text: string): string | undefined {
  const name = text.toLowerCase();
  return /^(\*\.)?[a-z0-9_]([a-z0-9_.:-]*[a-z0-9_])?$/.test(name) ? name : undefined;
}

/** @param pattern of `tryNamePattern` */
export function nameMatches(pattern: string, name: string): boolean {
  const lower = name.toLowerCase();
  if (!pattern.startsWith("*.")) return pattern === lower;
  const dot = lower.indexOf(".");
  return dot > 0 && lower.slice(dot) === pattern.slice(1);
}
