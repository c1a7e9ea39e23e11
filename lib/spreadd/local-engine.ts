import type { FrameView } from "../spread/frame.ts";
import type { Engine, EngineSink, Host } from "./engine.ts";

/** The ring of one host: what is submitted is delivered at once, where it lies. */
export class LocalEngine implements Engine {
  readonly isFull = false;
  readonly history = 0;
  #sink: EngineSink | undefined;

  /** @param time now, Unix seconds */
  constructor(
    readonly host: Host,
    readonly time: number,
  ) {}

  start(sink: EngineSink): void {
    this.#sink = sink;
    sink.ring({ hosts: [this.host], own: 0, time: this.time });
  }

  submit(slot: number, frame: FrameView): void {
    this.#sink?.deliver(0, slot, frame);
  }

  stop(): void {
    this.#sink = undefined;
  }
}
