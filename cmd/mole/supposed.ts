import type { Call } from "../../lib/cli/call.ts";
import { styleFor } from "../../lib/cli/style.ts";
import type { Simulated } from "../../lib/mole/simulate.ts";
import { simulatedView } from "../../lib/mole/simulate-view.ts";

/** Shows what would become of the table. */
export async function showSupposed(
  simulated: Simulated,
  { json, printJson, out }: Pick<Call<never>, "json" | "printJson" | "out">,
): Promise<number> {
  if (json) await printJson(simulated);
  else await out.write(simulatedView(simulated, styleFor(out.colour)));
  return 0;
}
