/** A wait that whoever has news can cut short: between two tries, or between two writes. One sleeper at a time. */
export class Nap {
  #wake: () => void = () => {};

  /** Resolves after `ms`, or as soon as somebody calls `wake`. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }

  /** Ends the sleep, if there is one; a later sleep is not cut short by it. */
  wake(): void {
    this.#wake();
  }
}
