/** Thrown where the program itself is wrong. Never reachable by input. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Ends the program where an invariant of ours is broken; on in production. Never put it where a peer's bytes, a file or an argument can reach it. */
export function assert(holds: boolean, invariant: string): asserts holds {
  if (!holds) throw new AssertionError(invariant);
}
