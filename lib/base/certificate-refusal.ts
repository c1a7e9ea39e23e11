// Why a certificate is no good, in words, by the codes of OpenSSL's verification: the same for either end.
const UNSIGNED = "no authority of ours has signed its certificate";

const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not good yet",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNSIGNED,
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: UNSIGNED,
  UNABLE_TO_GET_ISSUER_CERT: UNSIGNED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNSIGNED,
};

/** `undefined` where the code tells of something else. */
export const tryCertificateRefusal = (code: string | undefined): string | undefined => REASONS[code ?? ""];
