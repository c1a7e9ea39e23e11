/** Waits, or returns at once when stopped. @returns `false` where it was stopped */
export async function pause(ms: number, stop: AbortSignal): Promise<boolean> {
  if (stop.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const timer = setTimeout(wake, ms);
  stop.addEventListener("abort", wake, { once: true });
  await promise;
  clearTimeout(timer);
  stop.removeEventListener("abort", wake);
  return !stop.aborted;
}
