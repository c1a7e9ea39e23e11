import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { KernelRecord, readKernelRecord } from "../../lib/syslogd/kernel-record.ts";
import { cases } from "../support/fuzz.ts";

function read(text: string) {
  const record = new KernelRecord();
  const bytes = Buffer.from(text, "latin1");
  if (!readKernelRecord(bytes, bytes.length, record)) return undefined;
  const message = Buffer.from(record.bytes.subarray(0, record.end)).toString("utf8");
  return { sequence: record.sequence, monotonicUs: record.monotonicUs, message };
}

describe("a record of /dev/kmsg", () => {
  for (const { name, text, found } of [
    {
      name: "of the kernel is said by the kernel",
      text: "6,339,5140900,-;NET: Registered PF_INET protocol family\n",
      found: { sequence: 339, monotonicUs: 5_140_900, message: "<6>kernel: NET: Registered PF_INET protocol family" },
    },
    {
      name: "of a program that wrote to it is said by that program",
      text: "30,7,12,-;systemd[1]: Reached target.\n",
      found: { sequence: 7, monotonicUs: 12, message: "<30>systemd[1]: Reached target." },
    },
    {
      name: "is read without the device that it names for udev",
      text: "6,8,13,-;usb 1-1: new device\n SUBSYSTEM=usb\n DEVICE=+usb:1-1\n",
      found: { sequence: 8, monotonicUs: 13, message: "<6>kernel: usb 1-1: new device" },
    },
    {
      name: "may have fields that we don't know",
      text: "4,9,14,c,caller=T1,more;text; with , all\n",
      found: { sequence: 9, monotonicUs: 14, message: "<4>kernel: text; with , all" },
    },
    {
      name: "gets the bytes back that it could not show",
      text: "5,1,2,-;caf\\xc3\\xa9 \\x5cx41 \\xzz a\\\n",
      found: { sequence: 1, monotonicUs: 2, message: "<5>kernel: caf\u00e9 \\x41 \\xzz a\\" },
    },
    { name: "may be empty", text: "6,1,2,-;\n", found: { sequence: 1, monotonicUs: 2, message: "<6>kernel:" } },
    { name: "is none without its semicolon", text: "6,1,2,- text\n", found: undefined },
    { name: "is none with too few fields", text: "6,1;text\n", found: undefined },
    { name: "is none without a number", text: "x,1,2,-;text\n", found: undefined },
    { name: "is none with a priority that does not exist", text: "192,1,2,-;text\n", found: undefined },
    { name: "is none where there is nothing", text: "", found: undefined },
  ])
    test(name, () => expect(read(text)).toEqual(found as never));

  test("never breaks its reader", () => {
    const record = new KernelRecord();
    fc.assert(
      fc.property(fc.constantFrom("", "6,1,2,-;", "6,1,2,-;\\x"), fc.uint8Array({ maxLength: 300 }), (head, tail) => {
        const bytes = new Uint8Array([...Buffer.from(head), ...tail]);
        readKernelRecord(bytes, bytes.length, record);
        expect(record.end).toBeLessThanOrEqual(record.bytes.length);
      }),
      cases(2_000),
    );
  });
});

for (const { flags, goesOn } of [
  { flags: "-", goesOn: false },
  { flags: "c", goesOn: true },
  { flags: "+", goesOn: true },
  { flags: "-,caller=T1", goesOn: false },
  { flags: "c,caller=T1", goesOn: true },
])
  test(`a record with the flags ${flags} ${goesOn ? "goes on the line before" : "is a line of its own"}`, () => {
    const record = new KernelRecord();
    const bytes = new TextEncoder().encode(`6,1,2,${flags};text, with a comma\n`);
    expect(readKernelRecord(bytes, bytes.length, record)).toBe(true);
    expect(record.isContinuation).toBe(goesOn);
  });

test("what goes on a line is put behind it, without a head of its own, and never past the room there is", () => {
  const [first, next] = [new KernelRecord(), new KernelRecord()];
  const read = (text: string, into: KernelRecord) => {
    const bytes = new TextEncoder().encode(text);
    expect(readKernelRecord(bytes, bytes.length, into)).toBe(true);
  };
  read("6,1,2,-;probing...\n SUBSYSTEM=x\n", first);
  read(`6,2,3,c;.done ${"x".repeat(8_000)}\n`, next);
  first.append(next);
  expect(new TextDecoder().decode(first.bytes.subarray(0, 34))).toBe("<6>kernel: probing....done xxxxxxx");
  first.append(next);
  first.append(next);
  expect(first.end).toBe(first.bytes.length);
});
