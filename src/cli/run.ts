/** From argv to an exit: parse, run the one command, say what went wrong, leave explicitly. */
import { readFileSync } from 'node:fs';
import type { CommandCall } from './call.js';
import { asBelayError, debugText, errorJson, errorLines, STATUS_DONE } from './exit-status.js';
import { loadCommand } from './load-command.js';
import { parseCommandLine } from './program.js';
import { Session } from './session.js';
import { listenForStop } from './stop-signals.js';
import { Terminal } from './terminal.js';

export async function runCommandLine(argv: readonly string[]): Promise<void> {
  const early = earlyWishes(argv);
  let terminal = new Terminal(process, early);
  let status: number;
  // A defect in a callback of a port or a thread: said like any other, without a stack.
  process.on('uncaughtException', (thrown) => {
    process.exit(reportFailure(thrown, terminal, early.json));
  });
  try {
    const parsed = parseCommandLine(argv, {
      version: ownVersion(),
      writeOut: (text) => terminal.out(text.replace(/\n$/, '')),
      columns: process.stdout.columns ?? 80,
    });
    if (parsed.kind === 'shown') {
      status = STATUS_DONE;
    } else {
      const { json, quiet, plain, yes, color } = parsed.call.options;
      terminal = new Terminal(process, {
        json: json === true,
        quiet: quiet === true,
        plain: plain === true,
        yes: yes === true,
        color,
      });
      status = await runCall(parsed.call, terminal);
    }
  } catch (thrown) {
    status = reportFailure(thrown, terminal, early.json);
  }
  await terminal.flush();
  if (terminal.outFailure !== null && status === STATUS_DONE)
    status = reportFailure(terminal.outFailure, terminal, early.json);
  // An explicit end: native ports and worker threads can keep a process alive long after its work.
  process.exit(status);
}

/** Before the program has parsed: enough to word an error. */
function earlyWishes(argv: readonly string[]) {
  const has = (...words: string[]) => argv.some((word) => words.includes(word));
  return {
    json: has('--json'),
    quiet: has('-q', '--quiet'),
    plain: has('--plain'),
    color: !has('--no-color'),
    yes: has('-y', '--yes'),
  };
}

const STOPPING = {
  type: 'note',
  code: 'stopping',
  message: 'stopping; press Ctrl-C again to leave at once',
} as const;

async function runCall(call: CommandCall, terminal: Terminal): Promise<number> {
  const stop = listenForStop(process, {
    onFirst: () => session.emit(STOPPING),
    // Ink hides the cursor and gives it back when it unmounts, which it does as the process exits.
    onForced: () => {},
    bounded: () => call.name !== 'restore',
  });
  const session = new Session(call, terminal, stop.signal);
  try {
    const command = await loadCommand(call.name);
    return await command(session);
  } catch (thrown) {
    await session.endProgress();
    return reportFailure(thrown, terminal, session.json);
  } finally {
    await session.endProgress();
    stop.dispose();
  }
}

function reportFailure(thrown: unknown, terminal: Terminal, json: boolean): number {
  const error = asBelayError(thrown);
  if (process.env.BELAY_DEBUG === '1') terminal.err(debugText(thrown));
  if (json) terminal.err(errorJson(error));
  else printError(errorLines(error), terminal);
  return error.exitCode;
}

function printError(lines: readonly string[], terminal: Terminal): void {
  for (const line of lines) {
    const red = terminal.errorStyle.colour && line.startsWith('error:');
    terminal.err(red ? `\u001b[31m${line}\u001b[39m` : line);
  }
}

function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
