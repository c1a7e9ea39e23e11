// Who is logged in, and where: /run/utmp, records of 384 bytes (utmp(5), glibc on 64 bit and 32 bit alike).
//
//    0  i16  type: 7 is a user's process         44  c32  user
//    4  i32  pid                                 76  c256 host
//    8  c32  line: the terminal, below /dev     332       exit status, session, time, address

const RECORD_BYTES = 384;
const USER_PROCESS = 7;
const LINE = { at: 8, bytes: 32 };
const USER = { at: 44, bytes: 32 };
const LATIN1 = new TextDecoder("latin1");

export interface Login {
  readonly user: string;
  /** Below /dev: "pts/3", "tty1". Checked to lead nowhere else. */
  readonly line: string;
}

/** The logins of a utmp file. What is no login, is not whole, or names no terminal, is passed over. */
export function readUtmp(bytes: Uint8Array): Login[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const logins: Login[] = [];
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    if (view.getInt16(at, true) !== USER_PROCESS) continue;
    const user = textAt(bytes, at + USER.at, USER.bytes);
    const line = textAt(bytes, at + LINE.at, LINE.bytes);
    if (user !== "" && isTerminalName(line)) logins.push({ user, line });
  }
  return logins;
}

/** Terminals of these users, each once; of everybody where `users` is "all". */
export function terminalsOf(logins: readonly Login[], users: readonly string[] | "all"): string[] {
  const wanted = logins.filter(({ user }) => users === "all" || users.includes(user));
  return [...new Set(wanted.map(({ line }) => line))];
}

/** Some programs write names such as ":0", of no terminal; and nobody who can write the file shall lead us out of /dev. */
function isTerminalName(line: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/.test(line);
}

function textAt(bytes: Uint8Array, start: number, length: number): string {
  const nul = bytes.subarray(start, start + length).indexOf(0);
  return LATIN1.decode(bytes.subarray(start, start + (nul < 0 ? length : nul)));
}
