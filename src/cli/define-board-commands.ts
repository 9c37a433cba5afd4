/** Commands that talk to a board: their arguments, options and help. */

import type { Command } from 'commander';
import { Argument, Option } from 'commander';
import type { CommandName } from './call.js';
import {
  addEverywhere,
  addKeepOptions,
  addPatternOptions,
  collectPairs,
  collectText,
} from './everywhere-options.js';
import { parseCount } from './option-values.js';

/** Makes a subcommand whose call is reported under its name. */
export type Define = (name: CommandName, summary: string, examples: readonly string[]) => Command;

export function defineBoardCommands(define: Define): void {
  defineBackup(define);
  defineRestore(define);
  addEverywhere(
    define('devices', 'boards that are plugged in', [
      'belay-backup devices',
      'belay-backup devices --probe        # also ask the boards who they are',
    ]).option('--probe', 'connect to each that looks like a board and ask it who it is'),
    false,
  );
  addEverywhere(
    define('doctor', 'find out why a board does not answer', [
      'belay-backup doctor --port /dev/ttyUSB0',
      'belay-backup doctor --transcript talk.txt   # for a bug report',
    ]).option('--transcript <file>', 'write the conversation, file contents left out'),
    false,
  );
}

function defineBackup(define: Define): void {
  const command = define('backup', 'back up a board into one new .blb file', [
    'belay-backup                        # the one board that is plugged in',
    'belay-backup --port virtual         # the built-in board, to try it',
    "belay-backup backup --exclude '*.log' --description 'before the update'",
    'belay-backup backup --type full --keep-last 10',
  ])
    .addOption(
      new Option('--type <type>', 'auto: incremental when there is a healthy parent, else full')
        .choices(['auto', 'full', 'incremental', 'differential'])
        .default('auto'),
    )
    .option('--path <board path>', 'only this folder or file of the board');
  addPatternOptions(command)
    .option('--exclude-from <file>', 'patterns from a file, one a line', collectText)
    .option('--mounts <name...>', 'take these mounts too, e.g. sd')
    .option('--description <text>', 'a note that list and show print')
    .option('--meta <k=v>', 'a fact for the manifest (repeatable)', collectPairs('--meta'))
    .option('--no-compress', 'store, do not compress')
    .option('--quick', 'trust size and time instead of content')
    .option('--no-verify', 'do not read the finished archive again')
    .option('--allow-empty', 'accept a board that has lost all its files')
    .option('--require-parent', 'fail rather than start a new history')
    .option('--full-every <n>', 'a full backup after <n> increments', (text) => parseCount(text, 1))
    .option('--if-present', 'no board: end with 75 instead of an error')
    .option('--wait', 'wait until the board is plugged in')
    .option('--skip-if-unchanged', 'write nothing when nothing has changed')
    .option('--all', 'every board that is plugged in');
  addEverywhere(addKeepOptions(command), true);
}

function defineRestore(define: Define): void {
  const command = define('restore', 'put files of a backup onto a board', [
    'belay-backup restore                # the latest backup of this board',
    'belay-backup restore 1f2e3d /lib --dry-run',
    'belay-backup restore latest --map /main.py=/old.py',
    'belay-backup restore --undo         # take the last restore back',
  ])
    .addArgument(new Argument('[backup]', 'id, unique prefix, path of a .blb, or latest'))
    .addArgument(new Argument('[paths...]', 'files and folders of the backup'))
    .option('--to <board path>', 'put everything below this folder')
    .option('--map <old=new>', 'another path on the board (repeatable)', collectPairs('--map'));
  addPatternOptions(command)
    .addOption(
      new Option('--overwrite <when>', 'what happens to files that exist')
        .choices(['if-changed', 'always', 'never'])
        .default('if-changed'),
    )
    .option('--delete', "remove what the backup's scope does not have")
    .option('--no-safety', 'make no safety archive of what is replaced')
    .option('--in-place', 'write over a file that fits in no other way')
    .option('--no-verify', 'do not hash the written files on the board')
    .option('--keep-going', 'go on after a file that fails (exit status 3)')
    .option('--allow-unfit', 'write also .mpy files that this board cannot run')
    .option('--preserve-times', "give files the backup's times (sets the board's clock meanwhile)")
    .option('--undo', 'take the last restore of this board back')
    .option('--all', 'every board that is plugged in');
  addEverywhere(command, true);
}
