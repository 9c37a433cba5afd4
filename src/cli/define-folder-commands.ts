/** Commands about backups that exist: their arguments, options and help. */
import { Argument, Option } from 'commander';
import type { Define } from './define-board-commands.js';
import { addEverywhere, addKeepOptions, addPatternOptions } from './everywhere-options.js';

const BACKUP_TEXT = 'id, unique prefix, path of a .blb, or latest';

export function defineFolderCommands(define: Define): void {
  defineQuestions(define);
  defineTransfers(define);
  defineUpkeep(define);
  addEverywhere(
    define('completion', 'a completion script for your shell', [
      'source <(belay-backup completion bash)   # into ~/.bashrc',
      'belay-backup completion zsh > "${fpath[1]}/_belay-backup"',
      'belay-backup completion fish | source    # into config.fish',
    ]).addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish'])),
    false,
  );
}

function defineQuestions(define: Define): void {
  addEverywhere(
    define('list', 'the backups of the folder, as chains', [
      'belay-backup list',
      'belay-backup list --all --json      # safety archives too',
    ]).option('--all', 'safety archives too'),
    false,
  );
  addEverywhere(
    define('show', 'everything about a backup but its files', [
      'belay-backup show latest',
    ]).addArgument(new Argument('<backup>', BACKUP_TEXT)),
    false,
  );
  addEverywhere(
    define('files', 'the files of a backup', [
      'belay-backup files latest',
      "belay-backup files latest '*.py'",
    ])
      .addArgument(new Argument('<backup>', BACKUP_TEXT))
      .addArgument(new Argument('[pattern]', 'a pattern, a file or a folder')),
    false,
  );
  addEverywhere(
    define('verify', 'check every byte of backups, or a board against one', [
      'belay-backup verify                 # all of the folder',
      'belay-backup verify latest --against-board',
    ])
      .addArgument(new Argument('[backup...]', BACKUP_TEXT))
      .option('--against-board', 'compare the board with the backup'),
    false,
  );
  addEverywhere(
    define('diff', 'what changed between two backups, or since one', [
      'belay-backup diff 1f2e3d 9a8b7c',
      'belay-backup diff latest board --text',
    ])
      .addArgument(new Argument('<a>', BACKUP_TEXT))
      .addArgument(new Argument('[b]', 'another backup; board (default) is the one connected'))
      .option('--text', 'show the lines that changed'),
    false,
  );
  addEverywhere(
    define('find', 'versions of matching files over all backups', [
      'belay-backup find main.py',
      "belay-backup find '/lib/**'",
    ]).addArgument(new Argument('<pattern>', 'a pattern, a file or a folder')),
    false,
  );
  addEverywhere(
    define('cat', 'one file of a backup to stdout', ['belay-backup cat latest /main.py'])
      .addArgument(new Argument('<backup>', BACKUP_TEXT))
      .addArgument(new Argument('<path>', 'path on the board')),
    false,
  );
}

function defineTransfers(define: Define): void {
  const extract = define('extract', 'files of a backup to a folder of this computer', [
    'belay-backup extract latest --output ./board',
    'belay-backup extract 1f2e3d /lib /main.py -o ./part',
  ])
    .addArgument(new Argument('<backup>', BACKUP_TEXT))
    .addArgument(new Argument('[paths...]', 'files and folders of the backup'))
    .addOption(new Option('-o, --output <folder>', 'where to').makeOptionMandatory())
    .option('--keep-going', 'go on after a file that fails (exit status 3)');
  addEverywhere(addPatternOptions(extract), true);

  addEverywhere(
    define('export', 'a backup as .tar, .tgz, .zip or a .blb of its own', [
      'belay-backup export latest --output board.zip',
    ])
      .addArgument(new Argument('<backup>', BACKUP_TEXT))
      .addOption(
        new Option(
          '-o, --output <file>',
          '.tar, .tgz, .zip, .blb, or a folder',
        ).makeOptionMandatory(),
      ),
    true,
  );

  const imported = define('import', 'a folder or an archive of others as a backup', [
    'belay-backup import ./my-project --board thermometer',
  ])
    .addArgument(new Argument('<source>', 'a folder, .tar, .tgz, .zip or .blb'))
    .option('--description <text>', 'a note that list and show print');
  addEverywhere(addPatternOptions(imported), true);
}

function defineUpkeep(define: Define): void {
  addEverywhere(
    define('merge', 'a full archive out of a chain, without the board', [
      'belay-backup merge latest',
      'belay-backup merge 1f2e3d --replace',
    ])
      .addArgument(new Argument('<backup>', BACKUP_TEXT))
      .option('--replace', 'delete what it supersedes and nothing else needs'),
    true,
  );
  const prune = define('prune', 'remove backups by a policy', [
    'belay-backup prune --keep-daily 7 --keep-weekly 4 --dry-run',
  ]).option('--merge-expired', 'fold what expired and is still needed into one full');
  addEverywhere(addKeepOptions(prune), true);
  addEverywhere(
    define('remove', 'delete backups', [
      'belay-backup remove 1f2e3d',
      'belay-backup remove 1f2e3d --cascade',
    ])
      .addArgument(new Argument('<backup...>', BACKUP_TEXT))
      .option('--cascade', 'and what is built on them'),
    true,
  );
  for (const name of ['pin', 'unpin'] as const) {
    const summary = name === 'pin' ? 'keep a backup whatever the policy says' : 'take a pin off';
    addEverywhere(
      define(name, summary, [`belay-backup ${name} 1f2e3d`]).addArgument(
        new Argument('<backup>', BACKUP_TEXT),
      ),
      true,
    );
  }
  addEverywhere(
    define('repair', 'name and quarantine what is broken, sweep leftovers', [
      'belay-backup repair --dry-run',
    ]),
    true,
  );
  addEverywhere(
    define('unlock', 'show who holds the folder, remove a dead lock', ['belay-backup unlock']),
    true,
  );
}
