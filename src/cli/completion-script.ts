/** Completion scripts, made from the program itself, so that they know what it knows. */
import type { Command, Option } from 'commander';

interface Word {
  readonly name: string;
  readonly text: string;
}

interface CommandWords extends Word {
  readonly options: readonly Option[];
  /** The fixed values of its first argument, e.g. the shells. */
  readonly values: readonly string[];
}

/** null for a shell that is not known. */
export function completionScript(shell: string, program: Command): string | null {
  const commands = program.commands.map(wordsOf);
  if (shell === 'bash') return bashScript(commands);
  if (shell === 'zsh') return zshScript(commands);
  return shell === 'fish' ? fishScript(commands) : null;
}

function wordsOf(command: Command): CommandWords {
  return {
    name: command.name(),
    text: command.summary(),
    options: command.options,
    values: command.registeredArguments[0]?.argChoices ?? [],
  };
}

function flagsOf(options: readonly Option[]): string[] {
  return options.flatMap((option) => [option.short, option.long].filter((flag) => flag != null));
}

/** All options of all commands that take one of a few values: the same name means the same. */
function choiceOptions(commands: readonly CommandWords[]): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, readonly string[]>();
  for (const option of commands.flatMap((command) => command.options)) {
    if (option.long != null && option.argChoices !== undefined)
      map.set(option.long, option.argChoices);
  }
  map.set('--port', ['auto', 'virtual']);
  map.set('-p', ['auto', 'virtual']);
  return map;
}

const FILE_OPTIONS = ['-d', '--dir', '-o', '--output', '--exclude-from', '--transcript'];

/** The command is the first word that is one; without it, `backup` is meant. */
function bashScript(commands: readonly CommandWords[]): string {
  const names = commands.map((command) => command.name).join(' ');
  const values = [...choiceOptions(commands)].map(
    ([flag, choices]) =>
      `    ${flag}) COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$current")); return ;;`,
  );
  const cases = commands.map((command) => {
    const words = [...flagsOf(command.options), ...command.values].join(' ');
    return `    ${command.name}) words="${words}" ;;`;
  });
  return [
    '# bash completion for belay-backup',
    '_belay_backup() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
    '  local command="" word words=""',
    '  case "$previous" in',
    ...values,
    `    ${FILE_OPTIONS.join('|')}) COMPREPLY=($(compgen -f -- "$current")); return ;;`,
    '  esac',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case " ${names} " in *" $word "*) command="$word"; break ;; esac`,
    '  done',
    '  case "${command:-backup}" in',
    ...cases,
    '  esac',
    `  [ -n "$command" ] || words="${names} $words"`,
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))',
    '}',
    'complete -F _belay_backup belay-backup',
  ].join('\n');
}

/** Inside single quotes, colons and brackets escaped as _arguments and _describe want it. */
function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replace(/([:[\]])/g, '\\$1');
}

function zshScript(commands: readonly CommandWords[]): string {
  const described = commands.map((command) => `    '${command.name}:${zshText(command.text)}'`);
  const cases = commands.flatMap((command) => [
    `    ${command.name})`,
    '      _arguments -s \\',
    ...command.options.map((option) => `        ${zshOption(option)} \\`),
    `        '*:word:${command.values.length > 0 ? `(${command.values.join(' ')})` : '_files'}'`,
    '      ;;',
  ]);
  return [
    '#compdef belay-backup',
    '_belay_backup() {',
    '  local -a commands',
    '  commands=(',
    ...described,
    '  )',
    '  local command=backup word',
    '  for word in ${words[2,CURRENT-1]}; do',
    '    if (( ${commands[(I)${word}:*]} )); then command=$word; break; fi',
    '  done',
    '  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then',
    "    _describe 'command' commands",
    '    return',
    '  fi',
    '  case $command in',
    ...cases,
    '  esac',
    '}',
    'compdef _belay_backup belay-backup',
  ].join('\n');
}

function zshOption(option: Option): string {
  const flags = [option.short, option.long].filter((flag) => flag != null);
  const text = zshText(option.description);
  const values = option.argChoices === undefined ? '' : `(${option.argChoices.join(' ')})`;
  const wantsFile = flags.some((flag) => FILE_OPTIONS.includes(flag));
  const value = option.required ? `:value:${values || (wantsFile ? '_files' : '')}` : '';
  return flags.length > 1
    ? `'*'{${flags.join(',')}}'[${text}]${value}'`
    : `'*${flags[0]}[${text}]${value}'`;
}

function fishText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
}

function fishScript(commands: readonly CommandWords[]): string {
  const names = commands.map((command) => command.name).join(' ');
  const head = `complete -c belay-backup`;
  const lines = commands.flatMap((command) => {
    const condition =
      command.name === 'backup'
        ? `'__fish_seen_subcommand_from backup; or not __fish_seen_subcommand_from ${names}'`
        : `'__fish_seen_subcommand_from ${command.name}'`;
    return [
      `${head} -n 'not __fish_seen_subcommand_from ${names}' -a ${command.name} -d '${fishText(command.text)}'`,
      ...command.options.map((option) => `${head} -n ${condition}${fishOption(option)}`),
      ...(command.values.length > 0
        ? [`${head} -f -n ${condition} -a '${command.values.join(' ')}'`]
        : []),
    ];
  });
  return ['# fish completion for belay-backup', ...lines].join('\n');
}

function fishOption(option: Option): string {
  const parts = ['', `-l ${option.long?.replace(/^--/, '')}`];
  if (option.short != null) parts.push(`-s ${option.short.slice(1)}`);
  if (option.required) parts.push('-r');
  if (option.argChoices !== undefined) parts.push(`-f -a '${option.argChoices.join(' ')}'`);
  parts.push(`-d '${fishText(option.description)}'`);
  return parts.join(' ');
}
