// The directory in which a sink spools: a name that says which sink it is, made of its own name, the same in every life.

const LEGIBLE_MAX = 60;

/** The directory's name for the sink `name`: "tcp:loghost:601" becomes "tcp_loghost_601-" and eight digits that no other sink has. */
export function spoolDirectoryName(name: string): string {
  const legible = name
    .replace(/[^A-Za-z0-9.-]+/g, "_")
    .replace(/^[._]+/, "")
    .slice(0, LEGIBLE_MAX);
  return `${legible}-${hashOf(name).toString(16).padStart(8, "0")}`;
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
