/** Resolves when `signal` is aborted, at once where it is already. Never rejects: an end that was asked for is no failure. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
