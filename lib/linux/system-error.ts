import { getSystemErrorMap } from "node:util";
import { Fault, type FaultKind } from "../base/fault.ts";
import { errno } from "./libc.ts";

/** The errors that callers tell apart. The numbers are those of Linux on x86-64 and arm64. */
export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EAGAIN = 11;
export const EACCES = 13;
export const EEXIST = 17;
export const ENODEV = 19;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;

/** A system call that failed. `code` is the error's name: "EADDRINUSE". */
export class SystemError extends Fault {
  override readonly name = "SystemError";

  /**
   * @param action what could not be done: "bind /dev/log"
   * @param number the `errno`
   * @param advice what to do about it, after a semicolon
   */
  constructor(
    action: string,
    readonly number: number,
    advice?: string,
  ) {
    const [code, text] = getSystemErrorMap().get(-number) ?? [`E${number}`, `error ${number}`];
    super(kindOf(number), code, `cannot ${action}: ${text}${advice === undefined ? "" : `; ${advice}`}`);
  }
}

/** Passes the result of a call on, or throws what `errno` says where it is negative. Call it right after the call. */
export function checked(result: number, action: string): number {
  if (result < 0) throw new SystemError(action, errno());
  return result;
}

function kindOf(number: number): FaultKind {
  return number === EPERM || number === EACCES ? "no-permission" : "os";
}
