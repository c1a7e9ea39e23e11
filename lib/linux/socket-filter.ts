// Programs for the kernel's socket filter (classic BPF): what a socket need not be woken for. An instruction is code (2), jump if true (1), if false (1), value (4);
// words are loaded in network order.
import { address, libc } from "./libc.ts";
import { checked } from "./system-error.ts";

const LOAD_WORD = 0x20;
const LOAD_HALF = 0x28;
const LOAD_BYTE = 0x30;
const LOAD_BYTE_AT_X = 0x50;
const LOAD_VALUE = 0x00;
const SET_X = 0x01;
const X_FROM_A = 0x07;
const IF_EQUAL = 0x15;
const RETURN = 0x06;
/** The kernel finds a netlink attribute: its offset, 0 where there is none. A is where attributes begin, X the type. */
const FIND_ATTRIBUTE = 0xffff_f000 + 12;
const WHOLE = 0xffff;
const INSTRUCTIONS_MAX = 4_096;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** Ethernet frames of ARP whose sender says that it has one of these IPv4 addresses; with too many of them, all. */
export function arpFrom(addresses: readonly Uint8Array[]): Uint8Array {
  return program(addresses, [], 28);
}

/** Ethernet frames with a neighbour advertisement for one of these IPv6 addresses, or one that ends like it; with too many of them, all advertisements. */
export function advertisementsOf(addresses: readonly Uint8Array[]): Uint8Array {
  const start: Instruction[] = [
    [LOAD_BYTE, 0, 0, 20],
    [IF_EQUAL, 1, 0, 58],
    [RETURN, 0, 0, 0],
    [LOAD_BYTE, 0, 0, 54],
    [IF_EQUAL, 1, 0, 136],
    [RETURN, 0, 0, 0],
  ];
  return program(
    addresses.map((bytes) => bytes.subarray(12)),
    start,
    74,
  );
}

/** rtnetlink's changes but for new addresses with this mark: a renewed lease is told as a new address, a hundred of them with each beat. */
export function allButMarked(mark: number): Uint8Array {
  return encoded([
    [LOAD_HALF, 0, 0, 4],
    [IF_EQUAL, 0, 6, 20 << 8], // RTM_NEWADDR
    [SET_X, 0, 0, 11], // IFA_PROTO
    [LOAD_VALUE, 0, 0, 24],
    [LOAD_WORD, 0, 0, FIND_ATTRIBUTE],
    [IF_EQUAL, 2, 0, 0],
    [X_FROM_A, 0, 0, 0],
    [LOAD_BYTE_AT_X, 0, 0, 4],
    [IF_EQUAL, 1, 0, mark],
    [RETURN, 0, 0, 0xffff_ffff],
    [RETURN, 0, 0, 0],
  ]);
}

/** Gives a socket a filter in place of the one it has. */
export function attachFilter(fd: number, program: Uint8Array): void {
  const given = new BigUint64Array(2); // sock_fprog: length (2), -, pointer (8)
  given[0] = BigInt(program.length / 8);
  given[1] = BigInt(address(program));
  checked(libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, given, 16), "filter what a socket is woken for");
}

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** Passes what passes `start` and has one of these words at `offset`. */
function program(words: readonly Uint8Array[], start: readonly Instruction[], offset: number): Uint8Array {
  const isLong = start.length + 2 * words.length + 2 > INSTRUCTIONS_MAX;
  if (isLong) return encoded([...start, [RETURN, 0, 0, WHOLE]]);
  const tests = words.flatMap((word): Instruction[] => [
    [IF_EQUAL, 0, 1, ((word[0]! << 24) | (word[1]! << 16) | (word[2]! << 8) | word[3]!) >>> 0],
    [RETURN, 0, 0, WHOLE],
  ]);
  return encoded([...start, [LOAD_WORD, 0, 0, offset], ...tests, [RETURN, 0, 0, 0]]);
}

function encoded(instructions: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * instructions.length));
  for (const [at, [code, ifTrue, ifFalse, value]] of instructions.entries()) {
    view.setUint16(8 * at, code, true);
    view.setUint8(8 * at + 2, ifTrue);
    view.setUint8(8 * at + 3, ifFalse);
    view.setUint32(8 * at + 4, value, true);
  }
  return new Uint8Array(view.buffer);
}
