/** The options that every command has, and those that several share. */

import type { Command } from 'commander';
import { Option } from 'commander';
import { BelayError } from '../core/errors.js';
import { parseCount, parseKeyValue, parseTimeMs, parseWithin } from './option-values.js';

export const EVERYWHERE_GROUP = 'Options everywhere:';
const KEEP_GROUP = 'Keep options (retention):';

const collect = (value: string, before: readonly string[] | undefined) => [
  ...(before ?? []),
  value,
];

/** An empty BELAY_PORT says nothing; an empty --port is a script's variable that was not set. */
function collectPort(value: string, before: readonly string[] | undefined): readonly string[] {
  if (value !== '') return collect(value, before);
  if (process.env.BELAY_PORT === '') return before ?? [];
  throw new BelayError('usage/invalid', '--port is empty', {
    hint: 'name a port, or leave --port out for the one board that is plugged in',
  });
}

/** Fresh objects each time: commander ties an Option to its command. */
export function everywhereOptions(): readonly Option[] {
  return [
    new Option(
      '-p, --port <path>',
      'serial port: auto, a path, id:<serial number>, virtual, virtual:<folder>; may be given several times',
    )
      .env('BELAY_PORT')
      .argParser(collectPort),
    new Option('--baud <n>', 'speed of a UART bridge (default: 115200)').argParser((text) =>
      parseCount(text, 1),
    ),
    new Option(
      '--fast-baud <n>',
      'experimental: raise a UART to this speed while the command runs',
    ).argParser((text) => parseCount(text, 1)),
    new Option(
      '--dtr <on|off>',
      'set this modem line after opening (default: by the adapter)',
    ).choices(['on', 'off']),
    new Option(
      '--rts <on|off>',
      'set this modem line after opening (default: by the adapter)',
    ).choices(['on', 'off']),
    new Option('--board <name or id>', 'whose backups are meant; a name for a board without an id'),
    new Option('-d, --dir <folder>', 'where backups live (default: ~/belay-backups)').env(
      'BELAY_DIR',
    ),
    new Option('--json', 'machine output on stdout'),
    new Option('-q, --quiet', 'say less'),
    new Option('-v, --verbose', 'say more'),
    new Option('--no-color', 'no colours (also: NO_COLOR)'),
    new Option('--plain', 'plain lines instead of a live screen'),
    new Option('--retry-lock <time>', 'wait for a locked folder or port, e.g. 30s').argParser(
      parseTimeMs,
    ),
    new Option('-y, --yes', 'answer every question with yes'),
    new Option(
      '--after <how>',
      'how the board is left; auto restarts an interrupted program',
    ).choices(['auto', 'leave', 'soft-reset', 'hard-reset']),
  ].map((option) => option.helpGroup(EVERYWHERE_GROUP));
}

/** `changes`: the command changes something, so it can print its plan instead. */
export function addEverywhere(command: Command, changes: boolean): Command {
  for (const option of everywhereOptions()) command.addOption(option);
  if (changes) {
    command.addOption(
      new Option('-n, --dry-run', 'print the plan, change nothing').helpGroup(EVERYWHERE_GROUP),
    );
  }
  return command;
}

export function addPatternOptions(command: Command): Command {
  return command
    .option('--include <pattern>', 'only what matches (repeatable)', collect)
    .option('--exclude <pattern>', 'not what matches (repeatable)', collect);
}

export const KEEP_UNITS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

export function addKeepOptions(command: Command): Command {
  for (const unit of KEEP_UNITS) {
    const text =
      unit === 'last' ? 'keep the newest <n> backups' : `keep one ${NOUNS[unit]}, <n> of them`;
    command.addOption(
      new Option(`--keep-${unit} <n>`, text)
        .argParser((typed) => parseCount(typed))
        .helpGroup(KEEP_GROUP),
    );
  }
  return command.addOption(
    new Option('--keep-within <span>', 'keep everything younger, e.g. 30d, 1y6m')
      .argParser(parseWithin)
      .helpGroup(KEEP_GROUP),
  );
}

const NOUNS = {
  hourly: 'an hour',
  daily: 'a day',
  weekly: 'a week',
  monthly: 'a month',
  yearly: 'a year',
};

/** For `--meta k=v`: checked where it is typed, collected as pairs. */
export function collectPairs(option: string) {
  return (text: string, before: readonly (readonly [string, string])[] | undefined) => [
    ...(before ?? []),
    parseKeyValue(text, option),
  ];
}

export const collectText = collect;
