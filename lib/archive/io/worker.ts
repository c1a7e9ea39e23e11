// The thread of an archive: a second entry point of the executable. It does what it is told in order, and tries again what a disk refuses.

import { reasonOf } from "../../base/system-reason.ts";
import { ArchiveStore } from "./store.ts";
import type { FromWorker, ToWorker } from "./worker-protocol.ts";

const RETRY_MS = 1_000;

declare const self: {
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
  postMessage(message: FromWorker): void;
};

let store: ArchiveStore | undefined;
let isFailing = false;
let isClosing = false;
let work: Promise<void> = Promise.resolve();

const tell = (message: FromWorker) => self.postMessage(message);

function open(options: Extract<ToWorker, { do: "open" }>): void {
  try {
    store = new ArchiveStore({
      ...options,
      wallMs: () => Date.now(),
      onTrouble: (text) => tell({ is: "trouble", text }),
    });
    tell({ is: "opened", marks: store.marks });
  } catch (error) {
    tell({ is: "refused", reason: reasonOf(error) });
  }
}

/** Until it is done, or nobody waits for it any more. */
async function commit({ marks }: Extract<ToWorker, { do: "commit" }>): Promise<void> {
  for (;;) {
    try {
      store?.commit(marks);
      if (isFailing) tell({ is: "working" });
      isFailing = false;
      tell({ is: "committed" });
      return;
    } catch (error) {
      if (!isFailing) tell({ is: "failing", reason: reasonOf(error) });
      isFailing = true;
      if (isClosing) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function perform(message: ToWorker): Promise<void> {
  switch (message.do) {
    case "open":
      open(message);
      break;
    case "append":
      store?.append(message.chunk);
      break;
    case "commit":
      await commit(message);
      break;
    case "close":
      store?.close();
      tell({ is: "closed" });
      break;
    default:
      message satisfies never;
  }
}

self.onmessage = ({ data }) => {
  if (data.do === "close") isClosing = true;
  work = work.then(() => perform(data)).catch((error) => tell({ is: "trouble", text: reasonOf(error) }));
};
