/**
 * Recordings of the real daemon that spreadd answers better, where PROTOCOL.md asks for it ([G]), each with the reason. All others are answered byte for
 * byte. Every one has a test of its own in better-answers.test.ts.
 */
export const BETTER_ANSWERS: ReadonlyMap<string, string> = new Map([
  ["hs-pipelined-5", "3.1, 15.1: what follows the connect request in one write is not part of it"],
  ["addr-multi-100", "9.3: 44 to 100 groups reach everybody in them"],
  ["svc-raw-extra-00001004", "9.4, 15.8: a client may not forge memberships"],
  ["svc-raw-extra-00002004", "9.4, 15.8: a client may not forge transitional signals"],
  ["svc-raw-extra-00004004", "9.4, 15.8: a client may not set bits of the daemons"],
  ["svc-raw-extra-00008004", "9.4, 15.8: a client may not set bits of the daemons"],
  ["svc-raw-extra-00100004", "9.4, 15.8: a client may not set bits of the daemons"],
  ["svc-raw-extra-00800004", "9.4, 15.8: a client may not set bits that mean nothing"],
  ["svc-raw-extra-40000004", "9.4, 15.8: a client may not set bits that mean nothing"],
]);
