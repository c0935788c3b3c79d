import { Argument, Command } from 'commander';
import { withExamples } from './options.ts';

const ABOUT_TYPES = 'get describe edit patch delete explain wait history diff rollback';

/** `hauberk completion bash|zsh|fish`, for commands of those names. */
export function completionCommand(names: readonly string[]): Command {
  const command = new Command('completion')
    .description('a script that completes commands and types of resources in your shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: 'bash' | 'zsh' | 'fish') => {
      process.stdout.write(scripts[shell](names.join(' ')));
    });
  return withExamples(
    command,
    'source <(hauberk completion bash)',
    'hauberk completion fish > ~/.config/fish/completions/hauberk.fish',
  );
}

const TYPES = 'hauberk api-resources -o name 2>/dev/null';

const scripts = {
  bash: (names: string): string => `_hauberk() {
  local current=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names}" -- "$current"))
  elif [ "$COMP_CWORD" -eq 2 ] && [[ " ${ABOUT_TYPES} " == *" \${COMP_WORDS[1]} "* ]]; then
    COMPREPLY=($(compgen -W "$(${TYPES})" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -F _hauberk hauberk
`,
  zsh: (names: string): string => `#compdef hauberk
_hauberk() {
  if (( CURRENT == 2 )); then
    compadd -- ${names}
  elif (( CURRENT == 3 )) && [[ " ${ABOUT_TYPES} " == *" $words[2] "* ]]; then
    compadd -- \${(f)"$(${TYPES})"}
  else
    _files
  fi
}
compdef _hauberk hauberk
`,
  fish: (names: string): string => `complete -c hauberk -n __fish_use_subcommand -f -a "${names}"
complete -c hauberk -n "__fish_seen_subcommand_from ${ABOUT_TYPES}" -f -a "(${TYPES})"
`,
} as const;
