// Shell completions, from the command tree: names of commands and flags, and the values of flags and arguments that have a fixed choice.
// Each shell gets the same table, `path -> words`, and a few lines that look the typed words up in it.
import { type AnyCommand, flagsOf } from "./command.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** One place on the command line: what was typed before, and what may come next. */
interface Place {
  /** Commands typed so far, joined by a space: "spreadbox config". */
  readonly path: string;
  readonly commands: readonly AnyCommand[];
  /** Arguments that are one of a few words. */
  readonly words: readonly string[];
  readonly flags: readonly {
    readonly word: string;
    readonly about: string;
    readonly choices: readonly string[];
    readonly takesValue: boolean;
  }[];
}

/** The completion script of `root` for a shell; it serves the executable and every symlink of a command's name. */
export function completionScript(root: AnyCommand, shell: Shell): string {
  const names = [root.name, ...(root.commands ?? []).map(({ name }) => name).filter((name) => !AMBIGUOUS.has(name))];
  const places = [...placesOf(root, root.name)];
  switch (shell) {
    case "bash":
      return bash(names, places);
    case "zsh":
      return zsh(names, places);
    case "fish":
      return fish(root, places);
  }
}

/** Names that other programs are likely to have: no completion is registered for them alone. */
const AMBIGUOUS: ReadonlySet<string> = new Set(["config", "help", "demo", "generate", "publish"]);

function* placesOf(command: AnyCommand, path: string): Generator<Place> {
  const flags = command.run === undefined ? [] : Object.entries(flagsOf(command));
  yield {
    path,
    commands: command.commands ?? [],
    words: (command.positionals ?? []).flatMap(({ choices }) => choices ?? []),
    flags: flags.map(([name, flag]) => ({
      word: `--${name}`,
      about: flag.about,
      choices: flag.choices ?? [],
      takesValue: flag.type !== "switch",
    })),
  };
  for (const sub of command.commands ?? []) yield* placesOf(sub, `${path} ${sub.name}`);
}

function bash(names: readonly string[], places: readonly Place[]): string {
  const lines = places.map(
    ({ path, commands, words, flags }) =>
      `    '${path}') words='${[...commands.map(({ name }) => name), ...words, ...flags.map(({ word }) => word)].join(" ")}' ;;`,
  );
  return `# bash completion of spreadbox: put it into /usr/share/bash-completion/completions/spreadbox
_spreadbox() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path word words=
  path=\${COMP_WORDS[0]##*/}
  [ "$path" = spreadbox ] || path="spreadbox $path"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case "$path $word" in ${paths(places)}) path="$path $word" ;; esac ;; esac
  done
  case "$path $previous" in
${choiceLines(places)}
  esac
  case "$path" in
${lines.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _spreadbox ${names.join(" ")}
`;
}

function paths(places: readonly Place[]): string {
  const deeper = places.filter(({ path }) => path.includes(" ")).map(({ path }) => `'${path}'`);
  return deeper.length === 0 ? "''" : deeper.join("|");
}

function choiceLines(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, flags }) =>
    flags
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ word, choices }) =>
          `    '${path} ${word}') COMPREPLY=($(compgen -W '${choices.join(" ")}' -- "$current")); return ;;`,
      ),
  );
  return lines.length === 0 ? "    '') ;;" : lines.join("\n");
}

function zsh(names: readonly string[], places: readonly Place[]): string {
  // zsh can run bash's function as it stands; a second table would be one more to keep true.
  return `#compdef ${names.join(" ")}
autoload -U +X bashcompinit && bashcompinit
${bash(names, places).split("\n").slice(1).join("\n")}`;
}

function fish(root: AnyCommand, places: readonly Place[]): string {
  const lines = [`# fish completion of spreadbox: put it into /usr/share/fish/vendor_completions.d/spreadbox.fish`];
  for (const { path, commands, words, flags } of places) {
    const typed = path.split(" ").slice(1);
    const condition = typed.length === 0 ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${typed.at(-1)}`;
    for (const { name, summary } of commands)
      lines.push(`complete -c ${root.name} -n '${condition}' -f -a ${name} -d ${quote(summary)}`);
    if (words.length > 0) lines.push(`complete -c ${root.name} -n '${condition}' -f -a ${quote(words.join(" "))}`);
    for (const { word, about, choices, takesValue } of flags) {
      const value = choices.length > 0 ? ` -x -a ${quote(choices.join(" "))}` : takesValue ? " -r" : "";
      lines.push(`complete -c ${root.name} -n '${condition}' -l ${word.slice(2)}${value} -d ${quote(about)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
