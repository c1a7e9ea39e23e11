// What a foreign configuration is, by what only one of them has at the beginning of a line.

export type ForeignForm = "spread" | "syslog" | "spreadlogd" | "wackamole";

const SIGNS: readonly { readonly form: ForeignForm; readonly sign: RegExp }[] = [
  { form: "spread", sign: /^\s*(?:Spread_Segment|Segment)\b/im },
  { form: "wackamole", sign: /^\s*(?:VirtualInterfaces|VIFs|VIPs)\b/im },
  { form: "spreadlogd", sign: /^\s*(?:Spread|Log)\s*\{/im },
  { form: "syslog", sign: /^(?:\*|[a-z][a-z\d,]*)\.(?:[!=]*[a-z]+|\*)(?:;\S+)?[ \t]+[-/|@~*a-z:]/im },
];

/** `undefined`: it looks like none. */
export function foreignForm(text: string): ForeignForm | undefined {
  return SIGNS.find(({ sign }) => sign.test(text))?.form;
}
