// corosync's closed process groups, by its own library, libcpg. It is loaded when it is asked for: a host without corosync never needs it.
//
// The library speaks to corosync through shared memory, and one socket that becomes readable when there is something to dispatch: SIGIO as everywhere
// (sigio.ts). Its callbacks come from within `cpg_dispatch`, one event a call, and copy what they are given: the memory is the library's again afterwards.
// What they heard is handed on when `cpg_dispatch` is done, so nothing of ours is ever thrown through the library.
//
// With corosync stopped, calls that want an answer block until it goes on: so they are made in a worker (cpg-entrance.ts), however long they take. `send` and
// `dispatch` never block.
import { dlopen, FFIType, JSCallback, type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { Fault } from "../base/fault.ts";

const LIBRARY = "libcpg.so.4";

const SYMBOLS = {
  cpg_model_initialize: { args: ["ptr", "u32", "ptr", "ptr"], returns: "i32" },
  cpg_fd_get: { args: ["u64", "ptr"], returns: "i32" },
  cpg_dispatch: { args: ["u64", "i32"], returns: "i32" },
  cpg_join: { args: ["u64", "ptr"], returns: "i32" },
  cpg_local_get: { args: ["u64", "ptr"], returns: "i32" },
  cpg_mcast_joined: { args: ["u64", "i32", "ptr", "u32"], returns: "i32" },
  cpg_finalize: { args: ["u64"], returns: "i32" },
} as const;

/** One process in a group. */
export interface CpgProcess {
  readonly node: number;
  readonly pid: number;
}

/** Why a process came or went. */
export type CpgReason = "join" | "leave" | "node-down" | "node-up" | "process-down" | "other";

export interface CpgChange extends CpgProcess {
  readonly reason: CpgReason;
}

/** What a group tells. */
export interface CpgListener {
  delivered(from: CpgProcess, bytes: Uint8Array): void;
  /** The processes of the group have changed. Several may come before the `ring` that they belong to. */
  configured(members: readonly CpgProcess[], left: readonly CpgChange[], joined: readonly CpgChange[]): void;
  /** The ring below has changed; told once at the start too. */
  ring(node: number, sequence: number): void;
}

/** Largest message: `cpg_max_atomic_msgsize_get` says 1,047,552; a longer one would be cut up, with a call for each piece that waits for its answer. */
export const CPG_MESSAGE_BYTES_MAX = 1_000_000;

/** corosync's answers (corotypes.h). */
const OK = 1;
const TRY_AGAIN = 6;
const NO_ACCESS = 11;
const ERROR_TEXTS: Readonly<Record<number, string>> = {
  2: "it is not running, or it died",
  5: "it did not answer in time",
  6: "it is not ready",
  8: "it has no memory",
  9: "the handle is not its own",
  11: "access denied; give this user a uidgid entry in corosync.conf",
  12: "it does not know the group",
  14: "this process is in the group already",
  15: "it has no resources",
  20: "it cannot serve this version of the library",
};

const DISPATCH_ONE_NONBLOCKING = 4;
const TYPE_AGREED = 2;
const MODEL = 1;
/** Have the first `ring` told at the start. */
const FLAG_INITIAL_RING = 1;
const NAME_BYTES_MAX = 128;

function open() {
  try {
    return dlopen(LIBRARY, SYMBOLS).symbols;
  } catch (error) {
    throw new Fault(
      "os-file",
      "no-libcpg",
      `cannot use corosync: ${LIBRARY} is not there; install the Debian packages corosync and libcpg4`,
      { cause: error },
    );
  }
}

let opened: ReturnType<typeof open> | undefined;

/** Whether the library is there. */
export function hasCpg(): boolean {
  try {
    opened ??= open();
    return true;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

/** libcpg. @throws {Fault} kind "os-file" where it is not installed */
function libcpg(): ReturnType<typeof open> {
  opened ??= open();
  return opened;
}

/** A process's way into a group, as the worker opens it. */
export interface CpgEntry {
  readonly handle: bigint;
  /** Becomes readable when there is something to dispatch. */
  readonly fd: number;
  readonly node: number;
}

/** What the worker is to do. */
export interface CpgOrder {
  readonly name: string;
  /** Addresses of the functions that `dispatch` calls: deliver, change of members, change of the ring. */
  readonly callbacks: readonly bigint[];
  /** Left first: a handle that is of no use any more. */
  readonly leave: bigint | undefined;
}

/** What it answers. */
export type CpgAnswer =
  | { readonly is: "in"; readonly entry: CpgEntry }
  | { readonly is: "refused"; readonly fault: Pick<Fault, "kind" | "code" | "message"> };

/**
 * Joins a group. Waits for corosync's answers, for as long as it is stopped.
 * @throws {Fault} kind "os-file" without libcpg, "unavailable" where corosync is not there or not ready, "no-permission" where it will not have us
 */
export function enterCpgGroup({ name, callbacks, leave }: CpgOrder): CpgEntry {
  const lib = libcpg();
  if (leave !== undefined) lib.cpg_finalize(leave);
  const check = (answer: number) => {
    if (answer === OK) return;
    const text = ERROR_TEXTS[answer] ?? `it answers ${answer}`;
    const kind = answer === NO_ACCESS ? "no-permission" : "unavailable";
    throw new Fault(kind, `corosync-${answer}`, `cannot join group ${name} of corosync: ${text}`);
  };
  const model = new BigUint64Array([BigInt(MODEL), ...callbacks, BigInt(FLAG_INITIAL_RING)]);
  const handle = new BigUint64Array(1);
  check(lib.cpg_model_initialize(ptr(handle), MODEL, ptr(model), null));
  try {
    check(lib.cpg_join(handle[0]!, ptr(groupName(name))));
    const node = new Uint32Array(1);
    check(lib.cpg_local_get(handle[0]!, ptr(node)));
    const fd = new Int32Array(1);
    check(lib.cpg_fd_get(handle[0]!, ptr(fd)));
    return { handle: handle[0]!, fd: fd[0]!, node: node[0]! };
  } catch (error) {
    lib.cpg_finalize(handle[0]!);
    throw error;
  }
}

/** Something that a group told, to be handed on. */
type Heard = (listener: CpgListener) => void;

const heard: Heard[] = [];
let callbacks: readonly JSCallback[] | undefined;

/** The functions that libcpg calls from within `dispatch`, for every group of this process. */
function callbackAddresses(): readonly bigint[] {
  callbacks ??= makeCallbacks();
  return callbacks.map((callback) => BigInt(callback.ptr!));
}

/** This process's place in a group. */
export class CpgGroup {
  /** One iovec: base, length. */
  readonly #iov = new BigUint64Array(2);
  readonly #iovAt: Pointer = ptr(this.#iov);
  readonly fd: number;
  /** This process, as the group knows it. */
  readonly self: CpgProcess;

  constructor(readonly entry: CpgEntry) {
    this.fd = entry.fd;
    this.self = { node: entry.node, pid: process.pid };
  }

  /** Sends a message of at most `CPG_MESSAGE_BYTES_MAX` to all of the group. @returns `false` where corosync takes no more for now, or is gone */
  send(bytes: Uint8Array): boolean {
    this.#iov[0] = BigInt(ptr(bytes));
    this.#iov[1] = BigInt(bytes.length);
    return libcpg().cpg_mcast_joined(this.entry.handle, TYPE_AGREED, this.#iovAt, 1) === OK;
  }

  /** Hands one event to `listener`, if there is one. @returns what came of it; "gone": corosync has died, and nothing more will come */
  dispatch(listener: CpgListener): "heard" | "empty" | "gone" {
    const answer = libcpg().cpg_dispatch(this.entry.handle, DISPATCH_ONE_NONBLOCKING);
    const isHeard = heard.length > 0;
    for (const hand of heard.splice(0)) hand(listener);
    if (answer === OK || answer === TRY_AGAIN) return isHeard ? "heard" : "empty";
    return "gone";
  }

  /** Leaves the group; waits for corosync's answer. A process that ends need not. */
  leave(): void {
    libcpg().cpg_finalize(this.entry.handle);
  }
}

/** Asks for a way into a group, in a worker: this thread goes on, though corosync be stopped. The answer comes when it comes. */
export class CpgEntrance implements Disposable {
  readonly #worker: Worker;

  /**
   * @param leave a handle of before, which is of no use any more
   * @throws {Fault} kind "os-file" where there is no libcpg
   */
  constructor(name: string, leave: bigint | undefined, onAnswer: (answer: CpgAnswer) => void) {
    libcpg();
    // in the executable all files lie under its root, and this one in its main file
    const path = import.meta.url.includes("$bunfs") ? "./lib/linux/cpg-entrance.ts" : "./cpg-entrance.ts";
    this.#worker = new Worker(new URL(path, import.meta.url).href);
    this.#worker.onmessage = ({ data }: MessageEvent<CpgAnswer>) => {
      this.#worker.terminate();
      onAnswer(data);
    };
    this.#worker.onerror = ({ message }) =>
      onAnswer({ is: "refused", fault: { kind: "os", code: "worker", message: `cannot ask corosync: ${message}` } });
    const order: CpgOrder = { name, callbacks: callbackAddresses(), leave };
    this.#worker.postMessage(order);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

function makeCallbacks(): readonly JSCallback[] {
  return [
    new JSCallback(
      (_handle: unknown, _name: unknown, node: number, pid: number, at: Pointer, length: number) => {
        const bytes = new Uint8Array(toArrayBuffer(at, 0, length)).slice();
        heard.push((listener) => listener.delivered({ node, pid }, bytes));
      },
      { args: ["ptr", "ptr", "u32", "u32", "ptr", FFIType.u64_fast], returns: "void" },
    ),
    new JSCallback(
      (
        _handle: unknown,
        _name: unknown,
        members: Pointer,
        memberCount: number,
        left: Pointer,
        leftCount: number,
        joined: Pointer,
        joinedCount: number,
      ) => {
        const now = readChanges(members, memberCount);
        const gone = readChanges(left, leftCount);
        const come = readChanges(joined, joinedCount);
        heard.push((listener) => listener.configured(now, gone, come));
      },
      {
        args: ["ptr", "ptr", "ptr", FFIType.u64_fast, "ptr", FFIType.u64_fast, "ptr", FFIType.u64_fast],
        returns: "void",
      },
    ),
    new JSCallback(
      // the ring's 16 bytes come by value, in two registers; of the first only the low half is meant
      (_handle: unknown, node: bigint, sequence: bigint, _count: number, _nodes: unknown) => {
        heard.push((listener) => listener.ring(Number(node & 0xffff_ffffn), Number(sequence)));
      },
      { args: ["ptr", "u64", "u64", "u32", "ptr"], returns: "void" },
    ),
  ];
}

/** struct cpg_name: length (4), 128 bytes. */
function groupName(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  const field = new Uint8Array(4 + NAME_BYTES_MAX);
  new DataView(field.buffer).setUint32(0, bytes.length, true);
  field.set(bytes.subarray(0, NAME_BYTES_MAX), 4);
  return field;
}

const REASONS: Readonly<Record<number, CpgReason>> = {
  1: "join",
  2: "leave",
  3: "node-down",
  4: "node-up",
  5: "process-down",
};

/** struct cpg_address: node (4), pid (4), reason (4). */
function readChanges(at: Pointer, count: number): CpgChange[] {
  if (count === 0) return [];
  const words = new Uint32Array(toArrayBuffer(at, 0, count * 12).slice(0));
  return Array.from({ length: count }, (_, index) => ({
    node: words[index * 3]!,
    pid: words[index * 3 + 1]!,
    reason: REASONS[words[index * 3 + 2]!] ?? "other",
  }));
}
