// The daemon's side of the authentication methods (PROTOCOL.md 3.4). NULL lets everybody in, IP looks where the client comes from, PWORD takes a user
// name and a password in clear text: for programs that have nothing better, on loopback.
import { contains, type KnownPeerSet, type Peer } from "./peer.ts";

export const AUTH_METHODS = ["NULL", "IP", "PWORD"] as const;
export type AuthMethodName = (typeof AUTH_METHODS)[number];

export const PASSWORD_METHOD: AuthMethodName = "PWORD";

/** What the daemon asks of clients. */
export interface Authentication {
  /** Offered, in this order. */
  readonly methods: readonly AuthMethodName[];
  /** Must succeed as well, whether or not the client named them, and are not offered. Not PWORD: nobody asks the client for it. */
  readonly required: readonly AuthMethodName[];
  /** Whom IP lets in. */
  readonly accessIp: readonly KnownPeerSet[];
}

/** What a client sends for PWORD. */
export interface Password {
  readonly user: string;
  readonly password: string;
}

/** How a client came through the handshake. */
export interface Attempt {
  readonly peer: Peer;
  /** The methods it chose; `undefined` from one that is too old to know of methods. */
  readonly methods: readonly string[] | undefined;
  /** What it sent, where PWORD is among them. */
  readonly password: Password | undefined;
}

/** Whether the client may come in. @param isPassword whether user and password are known */
export function authenticate(
  auth: Authentication,
  { peer, methods, password }: Attempt,
  isPassword: (password: Password) => boolean,
): boolean {
  const succeeds = (method: string): boolean => {
    if (method === "NULL") return true;
    if (method === "IP") return auth.accessIp.some((set) => contains(set, peer));
    return password !== undefined && isPassword(password);
  };
  const offered: readonly string[] = auth.methods;
  // one that knows no methods is looked at by its address, else let in where everybody is
  const chosen = methods ?? (offered.includes("IP") ? ["IP"] : ["NULL"]);
  return (
    chosen.length > 0 &&
    chosen.every((method) => offered.includes(method)) &&
    chosen.every(succeeds) &&
    auth.required.every(succeeds)
  );
}

const USER_FIELD_BYTES = 32;
const PASSWORD_FIELD_BYTES = 8;

/** Bytes that follow the choice of PWORD: user name and password. */
export const PASSWORD_BYTES = USER_FIELD_BYTES + PASSWORD_FIELD_BYTES;

/** Reads user and password, each filled up with NUL. */
export function readPassword(bytes: Uint8Array): Password {
  return { user: text(bytes, 0, USER_FIELD_BYTES), password: text(bytes, USER_FIELD_BYTES, PASSWORD_FIELD_BYTES) };
}

function text(bytes: Uint8Array, at: number, most: number): string {
  const [read] = String.fromCharCode(...bytes.subarray(at, at + most)).split("\0");
  return read!;
}
