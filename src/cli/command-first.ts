/**
 * `belay-backup --json list` and `belay-backup --port virtual` are as good as the other order: the
 * command is looked for behind options and moved to the front; where there is none it is `backup`.
 */
import type { Command, Option } from 'commander';
import { BelayError } from '../core/errors.js';
import { COMMAND_NAMES } from './call.js';
import { nearestWord } from './suggest.js';

export function commandFirst(argv: readonly string[], program: Command): string[] {
  const options = knownOptions(program);
  const at = indexOfCommand(argv, options);
  if (at < 0) return asksForProgram(argv) ? [...argv] : ['backup', ...argv];
  const word = argv[at] as string;
  const known: readonly string[] = [...COMMAND_NAMES, 'help'];
  if (!known.includes(word)) {
    // After an option that nobody knows the word may be its value: then the option is the mistake.
    if (hasUnknownOption(argv.slice(0, at), options)) return ['backup', ...argv];
    throw unknownCommand(word);
  }
  const topic = word === 'help' ? argv.slice(at + 1).find((each) => !each.startsWith('-')) : word;
  if (topic !== undefined && !known.includes(topic)) throw unknownCommand(topic);
  return [word, ...argv.slice(0, at), ...argv.slice(at + 1)];
}

function asksForProgram(argv: readonly string[]): boolean {
  return argv.some((word) => ['-h', '--help', '-V', '--version'].includes(word));
}

/** The options of all commands by flag: `--output` before `extract` takes its value along. */
function knownOptions(program: Command): ReadonlyMap<string, Option> {
  const map = new Map<string, Option>();
  for (const command of [program, ...program.commands]) {
    for (const option of command.options) {
      if (option.long != null && !map.has(option.long)) map.set(option.long, option);
      if (option.short != null && !map.has(option.short)) map.set(option.short, option);
    }
  }
  return map;
}

function indexOfCommand(argv: readonly string[], options: ReadonlyMap<string, Option>): number {
  let at = 0;
  while (at < argv.length) {
    const word = argv[at] as string;
    if (word === '--') return at + 1 < argv.length ? at + 1 : -1;
    if (!word.startsWith('-') || word === '-') return at;
    at = afterOption(argv, at, options);
  }
  return -1;
}

function hasUnknownOption(argv: readonly string[], options: ReadonlyMap<string, Option>): boolean {
  return argv.some((word) => word.startsWith('--') && !options.has(word.replace(/=.*$/, '')));
}

/** Index of the word behind an option and its values, as commander will read them. */
function afterOption(
  argv: readonly string[],
  at: number,
  options: ReadonlyMap<string, Option>,
): number {
  const word = argv[at] as string;
  const option = word.startsWith('--') ? options.get(word) : valueOptionOf(word, options);
  if (option === undefined || !(option.required || option.optional)) return at + 1;
  let next = at + 2;
  if (!option.variadic) return next;
  while (next < argv.length && !/^-./.test(argv[next] as string)) next += 1;
  return next;
}

/** `-p x` and `-qp x`: the last letter takes the next word; `-px` holds its value itself. */
function valueOptionOf(word: string, options: ReadonlyMap<string, Option>): Option | undefined {
  for (let letter = 1; letter < word.length; letter += 1) {
    const option = options.get(`-${word[letter]}`);
    if (option === undefined) return undefined;
    if (option.required) return letter === word.length - 1 ? option : undefined;
  }
  return undefined;
}

function unknownCommand(word: string): BelayError {
  const near = nearestWord(word, COMMAND_NAMES);
  return new BelayError('usage/invalid', `unknown command "${word}"`, {
    hint: near === null ? 'belay-backup --help lists the commands' : `did you mean "${near}"?`,
  });
}
