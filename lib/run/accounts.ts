// Users and groups of this host, by name, as /etc/passwd and /etc/group have them.
import { readFileSync } from "node:fs";
import { Fault } from "../base/fault.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Fields of a line of /etc/passwd or /etc/group. @throws {Fault} kind "config", code "user" where there is no such line. @param forWhat "run as" */
export function accountOf(file: "/etc/passwd" | "/etc/group", name: string, forWhat: string): readonly string[] {
  const line = readFileSync(file, "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${name}:`));
  if (line !== undefined) return line.split(":");
  const what = file.endsWith("group") ? "group" : "user";
  throw new Fault("config", "user", `cannot ${forWhat} ${what} ${JSON.stringify(name)}: ${file} has no such ${what}`);
}

/** "syslog:adm", "syslog" (and its own group), ":adm" (and who we are). @throws {Fault} where one of them is unknown */
export function ownerOf(text: string): Owner {
  const [user = "", group = ""] = text.split(":");
  const account = user === "" ? undefined : accountOf("/etc/passwd", user, "give files to");
  return {
    uid: account === undefined ? process.geteuid!() : Number(account[2]),
    gid: group === "" ? Number(account![3]) : Number(accountOf("/etc/group", group, "give files to")[2]),
  };
}
