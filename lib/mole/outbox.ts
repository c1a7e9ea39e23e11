// Collects what one event leads to. Answers about several vips go out as one message.
import type { Action, Report } from "./action.ts";
import type { VipId } from "./definition.ts";
import type { Member } from "./member.ts";
import type { Message } from "./message.ts";

export class Outbox {
  private actions: Action[] = [];
  private released: [VipId, number][] = [];
  private acquired: [VipId, number, readonly Member[]][] = [];
  private refused: [VipId, number][] = [];
  private excused: [VipId, number][] = [];
  private willing: VipId[] = [];

  do(action: Action): void {
    this.actions.push(action);
  }

  send(message: Message): void {
    this.flush();
    this.actions.push({ do: "send", message });
  }

  report(report: Report): void {
    this.actions.push({ do: "report", report });
  }

  sayReleased(vip: VipId, number: number): void {
    this.released.push([vip, number]);
  }

  sayAcquired(vip: VipId, number: number, cleared: readonly Member[]): void {
    this.acquired.push([vip, number, cleared]);
  }

  sayRefused(vip: VipId, number: number): void {
    this.refused.push([vip, number]);
  }

  sayExcused(vip: VipId, number: number): void {
    this.excused.push([vip, number]);
  }

  sayWilling(vip: VipId): void {
    this.willing.push(vip);
  }

  /** Everything since the last call, in order. */
  take(): readonly Action[] {
    this.flush();
    const { actions } = this;
    if (actions.length > 0) this.actions = [];
    return actions;
  }

  private flush(): void {
    const { released, acquired, refused, excused, willing } = this;
    if (released.length + acquired.length + refused.length + excused.length + willing.length === 0) return;
    this.actions.push({ do: "send", message: { kind: "answer", released, acquired, refused, excused, willing } });
    this.released = [];
    this.acquired = [];
    this.refused = [];
    this.excused = [];
    this.willing = [];
  }
}
