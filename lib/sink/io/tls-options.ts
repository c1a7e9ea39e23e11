import { readFileSync } from "node:fs";
import { whyRefused } from "../permitted-peer.ts";
import type { TlsKeys } from "../tls-keys.ts";
import type { TlsOptions } from "./stream-carrier.ts";

/** What a table says, with the files read: for each connection anew, since certificates may have been renewed. @throws where one can't be read */
export function tlsOptions({ certificate, key, authorities, peers }: TlsKeys, wallMs: () => number): TlsOptions {
  return {
    ...(authorities === undefined ? {} : { authorities: readFileSync(authorities) }),
    ...(certificate === undefined ? {} : { certificate: readFileSync(certificate) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
    ...(peers === undefined || peers.length === 0 ? {} : { whyRefused: (found) => whyRefused(peers, found, wallMs()) }),
  };
}
