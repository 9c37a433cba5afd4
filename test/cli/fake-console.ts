/** Streams for a Terminal: what was written to them is kept; typed answers come from a list. */
import { PassThrough } from 'node:stream';
import type { TerminalWishes } from '../../src/cli/terminal.js';
import { Terminal } from '../../src/cli/terminal.js';

export interface FakeConsole {
  readonly terminal: Terminal;
  readonly out: () => string;
  readonly err: () => string;
}

export interface FakeConsoleOptions {
  readonly isTerminal?: boolean;
  /** Typed one after the other, each when a question has been asked. */
  readonly answers?: readonly string[];
  readonly wishes?: Partial<TerminalWishes>;
}

export function fakeConsole(options: FakeConsoleOptions = {}): FakeConsole {
  const isTTY = options.isTerminal ?? false;
  const answers = [...(options.answers ?? [])];
  const stdin = Object.assign(new PassThrough(), { isTTY: false });
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => {
    const through = new PassThrough();
    through.on('data', (bytes: Buffer) => {
      const text = bytes.toString('utf8');
      written[name] += text;
      if (name === 'err' && /(\[y\/N\]|\[1-\d+\]) $/.test(text)) {
        const answer = answers.shift();
        if (answer !== undefined) stdin.write(`${answer}\n`);
        else stdin.end();
      }
    });
    return Object.assign(through, { isTTY, columns: 80, rows: 24 });
  };
  const streams = {
    stdin: Object.assign(stdin, { isTTY, setRawMode: () => stdin }),
    stdout: stream('out'),
    stderr: stream('err'),
    env: { TERM: 'xterm' },
    platform: 'linux',
  } as unknown as ConstructorParameters<typeof Terminal>[0];
  const terminal = new Terminal(streams, {
    json: false,
    quiet: false,
    plain: true,
    color: false,
    yes: false,
    ...options.wishes,
  });
  return { terminal, out: () => written.out, err: () => written.err };
}
