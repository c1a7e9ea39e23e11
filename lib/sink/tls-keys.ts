// How a sink shows itself to servers over TLS, and whom it trusts, as keys of a table.
import * as v from "valibot";
import { explained, parsed } from "../base/schema.ts";
import { PERMITTED_PEER_FORM, type PermittedPeer, parsePermittedPeer } from "./permitted-peer.ts";

const FILE_FORM = 'an absolute path such as "/etc/spreadbox/cert.pem"';
const path = () => parsed(FILE_FORM, (text) => (/^\/[^\0]*$/.test(text) ? text : undefined));

/** Entries of the table's schema. */
export const tlsKeys = {
  certificate: v.pipe(v.optional(path()), v.description("tls: our certificate, with its chain, in PEM form")),
  key: v.pipe(v.optional(path()), v.description("tls: the key of our certificate, in PEM form")),
  authorities: v.pipe(
    v.optional(path()),
    v.description("tls: the certificates of those who vouch for servers; by default whom the system trusts"),
  ),
  peers: v.pipe(
    v.optional(
      v.array(
        explained(PERMITTED_PEER_FORM, parsePermittedPeer, { examples: ["loghost.example.com", "sha-256:E1:2D:..."] }),
      ),
    ),
    v.description(
      "tls: who may get the records, by a name in the certificate or its fingerprint; by default the host that the sink names",
    ),
  ),
};

/** What the keys say. */
export interface TlsKeys {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly authorities?: string | undefined;
  readonly peers?: readonly PermittedPeer[] | undefined;
}
