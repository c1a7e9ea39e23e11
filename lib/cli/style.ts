// The few terminal styles that we use, by meaning and not by colour, so that all commands look alike.

export type Paint = (text: string) => string;

/** Functions that paint a text; they give it back unchanged where colour is off. */
export interface Style {
  readonly heading: Paint;
  readonly name: Paint;
  readonly faint: Paint;
  readonly good: Paint;
  readonly warning: Paint;
  readonly bad: Paint;
}

export function styleFor(colour: boolean): Style {
  const paint =
    (sgr: string): Paint =>
    (text) =>
      colour ? `\x1b[${sgr}m${text}\x1b[0m` : text;
  return {
    heading: paint("1"),
    name: paint("36"),
    faint: paint("2"),
    good: paint("32"),
    warning: paint("33"),
    bad: paint("31"),
  };
}
