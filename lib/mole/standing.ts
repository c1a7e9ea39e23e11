// Addresses of vips that a host of the group has by itself: put there by hand, or by its network configuration. It answers for them whatever the group decides, so no other host takes
// such a vip, and to these it looks like somebody outside. So each tells what it has, and the others can say where it is.
import type { HostName, Member } from "./member.ts";

/** An address that stands on a host, and that its mole has not put there. */
export interface StandingAddress {
  /** Canonical text. */
  readonly address: string;
  readonly prefixBits: number;
  /** The device's name there. */
  readonly device: string;
}

/** What a host tells in one message. */
export const STANDING_TOLD_MAX = 256;

/** An address of a vip, and the host that has it by itself. */
export interface Stand extends StandingAddress {
  readonly host: HostName;
}

/** Who stands on these addresses; none: nobody, as far as the group knows. */
export type StandsOn = (addresses: readonly string[]) => readonly Stand[];

/** What the members have told, each of itself; the last word counts. */
export class Standing {
  readonly #told = new Map<Member, readonly StandingAddress[]>();

  note(member: Member, addresses: readonly StandingAddress[]): void {
    if (addresses.length === 0) this.#told.delete(member);
    else this.#told.set(member, addresses);
  }

  /** Those who are gone are not known to have anything. */
  keep(members: readonly Member[]): void {
    for (const member of this.#told.keys()) if (!members.includes(member)) this.#told.delete(member);
  }

  /** In the order of members. */
  on(addresses: readonly string[], nameOf: (member: Member) => HostName): readonly Stand[] {
    return [...this.#told].flatMap(([member, told]) =>
      told.filter(({ address }) => addresses.includes(address)).map((one): Stand => ({ ...one, host: nameOf(member) })),
    );
  }
}

/** What is so, and what to do about it. */
export function describeStand({ host, address, prefixBits, device }: Stand): string {
  return `${host} has ${address}/${prefixBits} by itself: it is on its ${device}, not put there by mole; remove it there, or from the config`;
}
