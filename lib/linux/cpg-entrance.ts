// The worker in which libcpg is asked what it may take its time to answer. It makes no callbacks of its own: those that it passes on are the main thread's,
// and are called there, by `dispatch`.
import { Fault } from "../base/fault.ts";
import { type CpgAnswer, type CpgOrder, enterCpgGroup } from "./cpg.ts";

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<CpgOrder>) => {
  self.postMessage(answer(data));
};

function answer(order: CpgOrder): CpgAnswer {
  try {
    return { is: "in", entry: enterCpgGroup(order) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { kind, code, message } = error;
    return { is: "refused", fault: { kind, code, message } };
  }
}
