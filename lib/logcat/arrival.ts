/** How a record came here: what the message that carried it says, beyond the record itself. Refilled for every record: copy what you keep. */
export class Arrival {
  group = "";
  /** The session that sent it: `#name#daemon`. */
  sender = "";
  /** The sender's host and life, as its batch says; "" for raw text. */
  host = "";
  incarnation = "";
  /** The record's number in its stream; 0 for raw text, which has none. */
  number = 0;

  /** Raw text from a foreign program: no facility, no severity, no program, no number. */
  get isText(): boolean {
    return this.number === 0;
  }
}
