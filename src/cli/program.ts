/** The commander program: every command and option. It parses, and does nothing else. */
import { Command, CommanderError } from 'commander';
import { BelayError } from '../core/errors.js';
import type { CommandCall, CommandName } from './call.js';
import { commandFirst } from './command-first.js';
import { defineBoardCommands } from './define-board-commands.js';
import { defineFolderCommands } from './define-folder-commands.js';
import { addEverywhere } from './everywhere-options.js';
import { commandHelpTail, programHelpTail } from './help-text.js';

/** Help is laid out for this many columns at most. */
export const HELP_COLUMNS_MAX = 80;

/** Wrap always; a command's line names its arguments, which every `[options]` would hide. */
const HELP_STYLE = {
  minWidthToWrap: 16,
  subcommandTerm: (command: Command) =>
    [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
};

function argumentTerm(argument: Command['registeredArguments'][number]): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

export interface ProgramOptions {
  readonly version: string;
  /** Where help goes; it is a result, so stdout. */
  readonly writeOut: (text: string) => void;
  readonly columns: number;
}

/** What came of the words: a call to carry out, or help that has been printed. */
export type Parsed =
  | { readonly kind: 'call'; readonly call: CommandCall }
  | { readonly kind: 'shown' };

/** Throws usage/invalid for what no command understands. */
export function parseCommandLine(argv: readonly string[], options: ProgramOptions): Parsed {
  let call: CommandCall | null = null;
  const program = buildProgram(options, (made) => {
    call = made;
  });
  try {
    program.parse(commandFirst(argv, program), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || error.code === 'commander.help') return { kind: 'shown' };
    throw usageError(error);
  }
  return call === null ? { kind: 'shown' } : { kind: 'call', call };
}

export function buildProgram(
  options: ProgramOptions,
  onCall: (call: CommandCall) => void,
): Command {
  const program = new Command('belay-backup');
  const width = Math.max(40, Math.min(HELP_COLUMNS_MAX, options.columns));
  const output = {
    writeOut: options.writeOut,
    writeErr: () => {},
    outputError: () => {},
    getOutHelpWidth: () => width,
    getErrHelpWidth: () => width,
    getOutHasColors: () => false,
  };
  program
    .description(
      'Verified backups of MicroPython boards over serial, and restores you can trust.\n' +
        'Without a command: back up the board that is plugged in.',
    )
    .usage('[command] [options]')
    .version(options.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .configureOutput(output)
    .configureHelp(HELP_STYLE)
    .exitOverride()
    .enablePositionalOptions()
    .addHelpText('after', programHelpTail());
  addEverywhere(program, true);

  const define = (name: CommandName, summary: string, examples: readonly string[]) =>
    program
      .command(name)
      .description(capitalized(summary))
      .summary(summary)
      .helpOption('-h, --help', 'print this')
      .configureOutput(output)
      .configureHelp(HELP_STYLE)
      .exitOverride()
      .allowExcessArguments(true)
      .addHelpText('after', commandHelpTail(examples))
      .action((...received: unknown[]) => {
        const command = received.at(-1) as Command;
        refuseExcess(name, command);
        onCall({
          name,
          args: received.slice(0, -2) as CommandCall['args'],
          options: command.opts<CommandCall['options']>(),
        });
      });
  defineBoardCommands(define);
  defineFolderCommands(define);
  return program;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** commander's own message ("expected 0 arguments") does not say what was too much. */
function refuseExcess(name: CommandName, command: Command): void {
  const declared = command.registeredArguments;
  if (declared.some((argument) => argument.variadic)) return;
  const excess = command.args[declared.length];
  if (excess === undefined) return;
  throw new BelayError('usage/invalid', `${name}: unexpected argument "${excess}"`, {
    hint: `belay-backup ${name} --help shows what it takes`,
  });
}

function usageError(error: CommanderError): BelayError {
  const [first = 'wrong usage', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const meant = /\(Did you mean (?:one of )?(.+?)\?\)/.exec(rest.join(' '))?.[1];
  return new BelayError('usage/invalid', first, {
    hint:
      meant === undefined
        ? 'belay-backup --help, or belay-backup <command> --help'
        : `did you mean ${meant}?`,
  });
}
