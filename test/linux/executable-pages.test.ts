import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fileMappings } from "../../lib/linux/executable-pages.ts";
import { startSpreadbox, WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const MAPS = `00200000-01a39000 r--p 00000000 fe:00 16130122                           /usr/bin/spreadbox
01a40000-0684a000 r-xp 01838000 fe:00 16130122                           /usr/bin/spreadbox
0685f000-06867000 r--p 06656000 fe:00 16130122                           /usr/bin/spreadbox
06867000-06bcc000 rw-p 0665e000 fe:00 16130122                           /usr/bin/spreadbox
7fa819140000-7fa859140000 rwxp 00000000 00:00 0 
7fa90bc00000-7fa90bd56000 r-xp 00026000 fe:00 655               /usr/lib/x86_64-linux-gnu/libc.so.6
`;

test("only the code and the constants of the executable itself are found, and nothing that was ever written", () => {
  expect(fileMappings(MAPS, "/usr/bin/spreadbox")).toEqual([
    { start: 0x200000, bytes: 0x1a39000 - 0x200000 },
    { start: 0x1a40000, bytes: 0x684a000 - 0x1a40000 },
  ]);
  expect(fileMappings(MAPS, "/usr/bin/other")).toEqual([]);
});

test("a syslogd that has started holds less memory than its start took, and still works", async () => {
  using scratch = temporaryDirectory();
  const socket = `${scratch.path}/log`;
  await using syslogd = startSpreadbox(["syslogd", "--socket", socket, "--rule", `*.* -> file:${scratch.path}/all`]);
  await syslogd.stderr.until("listens on");
  const kib = (field: string) =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${syslogd.pid}/status`, "latin1"))![1]);
  const end = performance.now() + WAIT_MS;
  while (kib("VmRSS") > kib("VmHWM") - 8_192) {
    expect(performance.now()).toBeLessThan(end);
    await Bun.sleep(10);
  }
  syslogd.signal("SIGTERM");
  expect(await syslogd.exited).toBe(0);
});
