/** A type of its own made of another: only the function that checks can make one, and no other string or number passes for it. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name };

/** Milliseconds of a clock that only goes forward; no date, and no duration. */
export type MonotonicMs = Brand<number, "MonotonicMs">;
