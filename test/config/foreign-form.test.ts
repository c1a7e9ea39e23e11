import { expect, test } from "bun:test";
import { foreignForm } from "../../cmd/config/foreign-form.ts";

for (const { text, form } of [
  { text: "# x\nSpread_Segment 127.0.0.255:4803 {\n  one 127.0.0.1\n}\n", form: "spread" },
  { text: "EventTimeStamp\nSpread_Segment  127.0.0.255 {\n", form: "spread" },
  { text: "mail.*\t-/var/log/mail\n", form: "syslog" },
  { text: "auth,authpriv.*;kern.none  |/run/x\n", form: "syslog" },
  { text: "*.emerg :omusrmsg:*\n", form: "syslog" },
  { text: "kern.!=err @loghost\n", form: "syslog" },
  { text: "BufferSize = 65536\nSpread {\n  Port = 4803\n}\n", form: "spreadlogd" },
  { text: "Spread = 4803\nVirtualInterfaces {\n  { eth0:10.0.0.1/32 }\n}\n", form: "wackamole" },
  { text: "hello world\n", form: undefined },
  { text: "", form: undefined },
])
  test(`${JSON.stringify(text)} is ${form ?? "nothing known"}`, () => expect(foreignForm(text)).toBe(form as never));
