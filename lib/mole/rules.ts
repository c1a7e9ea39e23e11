// The rules of the model that the simulator can break on purpose, one at a time, to see that it would notice (test/sim/mutations.test.ts).
// Nothing else ever passes anything but `ALL_RULES`.

export interface Rules {
  /** An owner acquires only when nobody else may hold the vip. */
  readonly mayHoldSet: boolean;
  /** A driver asks again directly before the system call. */
  readonly asksAgain: boolean;
  /** Acquires and renewals need a young beat of one's own that came back. */
  readonly freshBeats: boolean;
  /** An expelled host's leases are waited for. */
  readonly waitForExpelled: boolean;
  /** In `safe` a departed host's leases are waited for. */
  readonly waitForDeparted: boolean;
  /** An answer touches nothing that was put in after the number it names. */
  readonly numbers: boolean;
  /** Decisions are void in another view than their own. */
  readonly decisionsOfTheView: boolean;
  /** Facts hold in whatever view they arrive. */
  readonly factsInAnyView: boolean;
  /** `expel` is void if what was missing has come. */
  readonly voidExpel: boolean;
  /** A quiet member is given nothing while another is eligible. */
  readonly quietGetsNothing: boolean;
  /** A faltering member inherits nothing while another can. */
  readonly falteringIsLast: boolean;
  /** What was delivered during an exchange is applied to its result. */
  readonly replay: boolean;
  /** An expelled member whose holdings nobody knows may hold anything. */
  readonly unknownHoldsAll: boolean;
  /** In `safe` a network view puts those it lacks into the sets of vips without owner. */
  readonly ownerlessBurst: boolean;
  /** In `safe` only a table that was allowed to cover is knowledge. */
  readonly knowledge: boolean;
  /** And only where a majority comes straight from its view. */
  readonly backedByMajority: boolean;
  /** Who was live in one part is waited for anew when it departs, though another part has long waited for it. */
  readonly freshWaitForTheLive: boolean;
  /** Where all who were known to have the table are gone, somebody who has it tells it. */
  readonly untoldMayTell: boolean;
  /** A session's join or leave does not touch anybody's silence. */
  readonly silenceOutlivesJoins: boolean;
  /** The winner of a merge announces again when the loser has released. */
  readonly announceAfterMerge: boolean;
  /** Who owes something and is silent is expelled. */
  readonly silentAreExpelled: boolean;
  /** Of two rival definitions only one is in force; sets count by address. */
  readonly setsByAddress: boolean;
  /** Also under maintenance the loser of a merge lets go of what the winner says that it holds. */
  readonly losersYield: boolean;
  /** Under maintenance an owner that has lost a vip, with its power perhaps, puts it on again if nobody else may hold it. */
  readonly ownersPutBack: boolean;
  /** Who may not have a vip lets go of it, also where a host that went away under maintenance keeps it. */
  readonly keptKeepsNobodyElse: boolean;
  /** Where a merge ends a maintenance, the hosts that were in it hold without leases until they say otherwise. */
  readonly unleasedByMerge: boolean;
  /** The longest times are not forgotten while somebody who may hold by them is away. */
  readonly remembersTheAbsent: boolean;
  /** A longer silence or lease is used only when the group has heard of it. */
  readonly longerWhenTold: boolean;
  /** A list of hosts is followed by the next only when all go by it, and differs from that by one host: no two that anybody goes by have majorities apart. */
  readonly listsByStep: boolean;
  /** In `safe` leases are lifted for maintenance only when a majority knows of it. */
  readonly liftsWhenKnown: boolean;
  /** Who went away without a lease is not forgotten where all who have the table lose it. */
  readonly remembersTheUnreturned: boolean;
  /** What a host says that it has on disk is there. */
  readonly saysWhatIsOnDisk: boolean;
  /** What nobody can name has gone under maintenance is given up when all hosts are here. */
  readonly strangersAreGivenUp: boolean;
}

export const ALL_RULES: Rules = {
  mayHoldSet: true,
  asksAgain: true,
  freshBeats: true,
  waitForExpelled: true,
  waitForDeparted: true,
  numbers: true,
  decisionsOfTheView: true,
  factsInAnyView: true,
  voidExpel: true,
  quietGetsNothing: true,
  falteringIsLast: true,
  replay: true,
  unknownHoldsAll: true,
  ownerlessBurst: true,
  knowledge: true,
  backedByMajority: true,
  freshWaitForTheLive: true,
  untoldMayTell: true,
  silenceOutlivesJoins: true,
  announceAfterMerge: true,
  silentAreExpelled: true,
  setsByAddress: true,
  losersYield: true,
  ownersPutBack: true,
  keptKeepsNobodyElse: true,
  unleasedByMerge: true,
  remembersTheAbsent: true,
  longerWhenTold: true,
  listsByStep: true,
  liftsWhenKnown: true,
  remembersTheUnreturned: true,
  saysWhatIsOnDisk: true,
  strangersAreGivenUp: true,
};
