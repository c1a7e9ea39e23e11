// What one client of a soak saw, in its order. A client that lost its daemon and came back is another life with another name: nothing is promised
// from one to the next.
import type { GroupId, ServiceType } from "../../lib/spread/index.ts";

export type Entry =
  /** A request that the socket took. */
  | { readonly was: "sent"; readonly message: string; readonly groups: readonly string[] }
  | { readonly was: "leaving"; readonly group: string }
  | {
      readonly was: "message";
      readonly message: string;
      readonly sender: string;
      readonly groups: readonly string[];
      readonly service: ServiceType;
    }
  | {
      readonly was: "view";
      readonly group: string;
      readonly id: string;
      readonly cause: string;
      readonly members: readonly string[];
      /** After a change of the network: who came together with whom. */
      readonly sets: readonly (readonly string[])[];
      readonly ownSet: readonly string[];
    }
  | { readonly was: "transition"; readonly group: string; readonly id: string }
  | { readonly was: "left"; readonly group: string };

export interface Life {
  /** Its private group. */
  readonly name: string;
  readonly entries: Entry[];
  /** It was there to the end: what it was owed, it got. */
  isWhole: boolean;
}

export const writeId = ({ daemonId, time, index }: GroupId): string => `${daemonId >>> 0}.${time}.${index}`;
