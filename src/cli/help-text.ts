/** What help says beyond commander's lists: examples and the exit statuses. */
import { EXIT_STATUSES } from './exit-status.js';

export function programHelpTail(): string {
  return [
    '',
    'Examples:',
    '  $ belay-backup                        back up the board that is plugged in',
    '  $ belay-backup --port virtual         try it without a board',
    '  $ belay-backup restore --dry-run      what a restore would do',
    '  $ belay-backup list                   the backups you have',
    '',
    'Exit status:',
    ...EXIT_STATUSES.map(({ status, meaning }) => `  ${String(status).padStart(3)}  ${meaning}`),
    '',
    'A backup is named by its id, a unique prefix of it, the path of its .blb, or',
    'latest. belay-backup <command> --help says more about a command.',
  ].join('\n');
}

export function commandHelpTail(examples: readonly string[]): string {
  return ['', 'Examples:', ...examples.map((example) => `  $ ${example}`)].join('\n');
}
