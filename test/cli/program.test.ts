import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CommandCall } from '../../src/cli/call.js';
import { COMMAND_NAMES } from '../../src/cli/call.js';
import { parseCommandLine } from '../../src/cli/program.js';
import type { BelayError } from '../../src/core/errors.js';

const QUIET = { version: '1.2.3', writeOut: () => {}, columns: 80 };

function callOf(...argv: string[]): CommandCall {
  const parsed = parseCommandLine(argv, QUIET);
  if (parsed.kind !== 'call') throw new Error(`${argv.join(' ')} was no call`);
  return parsed.call;
}

function errorOf(...argv: string[]): BelayError {
  try {
    parseCommandLine(argv, QUIET);
  } catch (error) {
    return error as BelayError;
  }
  throw new Error(`${argv.join(' ')} was accepted`);
}

function shown(...argv: string[]): string {
  let text = '';
  const options = { ...QUIET, writeOut: (part: string) => (text += part) };
  expect(parseCommandLine(argv, options).kind).toBe('shown');
  return text;
}

afterEach(() => vi.unstubAllEnvs());

describe('the command', () => {
  it.each([
    [[], 'backup'],
    [['--port', 'virtual', '--json'], 'backup'],
    [['-p', 'virtual', '-q'], 'backup'],
    [['-qp', 'virtual'], 'backup'],
    [['-pvirtual'], 'backup'],
    [['--port=virtual'], 'backup'],
    [['--type', 'full', '--exclude', 'list'], 'backup'],
    [['--mounts', 'sd', 'ext', '--json'], 'backup'],
    [['--description', '-x'], 'backup'],
    [['backup'], 'backup'],
    [['--json', 'list'], 'list'],
    [['-d', '/tmp/list', 'list'], 'list'],
    [['--dir', 'backup', 'files', 'latest'], 'files'],
    [['-p', 'virtual', 'restore', 'latest'], 'restore'],
    [['--output', 'pin', 'extract', 'latest'], 'extract'],
  ])('of %j is %s', (argv, name) => {
    expect(callOf(...argv).name).toBe(name);
  });

  it('is known under every name of the contract', () => {
    const argumentsOf: Partial<Record<string, string[]>> = {
      show: ['x'],
      files: ['x'],
      diff: ['x'],
      find: ['x'],
      cat: ['x', 'main.py'],
      extract: ['x', '-o', 'out'],
      export: ['x', '--output', 'x.tar'],
      import: ['folder'],
      merge: ['x'],
      remove: ['x'],
      pin: ['x'],
      unpin: ['x'],
      completion: ['bash'],
    };
    for (const name of COMMAND_NAMES) {
      expect(callOf(name, ...(argumentsOf[name] ?? [])).name).toBe(name);
    }
  });

  it('takes the options that are everywhere, everywhere', () => {
    const everywhere =
      '-p virtual --baud 9600 --board b -d /tmp/x --json -q -v --no-color --plain --retry-lock 30s -y --after leave';
    for (const name of COMMAND_NAMES) {
      const argv = `${name} ${everywhere}`.split(' ');
      const required = ['extract', 'export'].includes(name) ? ['-o', 'x'] : [];
      const words = name === 'completion' ? ['bash'] : ['a', 'b'];
      const known = parseOrCount([...argv, ...required, ...words]);
      expect(known).toMatchObject({
        port: ['virtual'],
        baud: 9600,
        board: 'b',
        dir: '/tmp/x',
        json: true,
        quiet: true,
        verbose: true,
        color: false,
        plain: true,
        retryLock: 30_000,
        yes: true,
        after: 'leave',
      });
    }
  });

  it('has --dry-run wherever something changes', () => {
    const changing =
      'backup restore extract export import merge prune remove pin unpin repair unlock';
    for (const name of changing.split(' ')) {
      const required = ['extract', 'export'].includes(name) ? ['-o', 'x'] : [];
      expect(parseOrCount([name, '-n', ...required, 'a'])).toMatchObject({ dryRun: true });
    }
    expect(errorOf('list', '--dry-run').code).toBe('usage/invalid');
  });
});

/** Options of a call, leaving out words that the command does not take. */
function parseOrCount(argv: string[]): CommandCall['options'] {
  for (let words = argv.length; words > 0; words -= 1) {
    try {
      return callOf(...argv.slice(0, words)).options;
    } catch (error) {
      if (!String((error as Error).message).includes('unexpected argument')) throw error;
    }
  }
  throw new Error('no call');
}

describe('backup', () => {
  it('takes every option of the contract', () => {
    const { options } = callOf(
      ...(
        'backup --type incremental --path /lib --include *.py --include *.mpy --exclude *.log ' +
        '--exclude-from ex.txt --mounts sd --description note --meta a=1 --meta b=x=y ' +
        '--no-compress --quick --no-verify --allow-empty --require-parent --full-every 10 ' +
        '--if-present --wait --skip-if-unchanged --keep-last 3 --keep-hourly 1 --keep-daily 2 ' +
        '--keep-weekly 3 --keep-monthly 4 --keep-yearly 5 --keep-within 30d --all -n'
      ).split(' '),
    );
    expect(options).toMatchObject({
      type: 'incremental',
      path: '/lib',
      include: ['*.py', '*.mpy'],
      exclude: ['*.log'],
      excludeFrom: ['ex.txt'],
      mounts: ['sd'],
      description: 'note',
      meta: [
        ['a', '1'],
        ['b', 'x=y'],
      ],
      compress: false,
      quick: true,
      verify: false,
      allowEmpty: true,
      requireParent: true,
      fullEvery: 10,
      ifPresent: true,
      wait: true,
      skipIfUnchanged: true,
      keepLast: 3,
      keepHourly: 1,
      keepDaily: 2,
      keepWeekly: 3,
      keepMonthly: 4,
      keepYearly: 5,
      keepWithin: '30d',
      all: true,
      dryRun: true,
    });
  });

  it('compresses, verifies and chooses the type by itself unless told otherwise', () => {
    expect(callOf().options).toMatchObject({
      type: 'auto',
      compress: true,
      verify: true,
      color: true,
    });
  });

  it('reads the port from BELAY_PORT, which --port overrules', () => {
    vi.stubEnv('BELAY_PORT', 'virtual');
    expect(callOf().options.port).toEqual(['virtual']);
    expect(callOf('-p', 'a', '-p', 'b').options.port).toEqual(['a', 'b']);
    vi.stubEnv('BELAY_PORT', '');
    expect(callOf().options.port ?? []).toEqual([]);
  });

  it('reads the folder from BELAY_DIR', () => {
    vi.stubEnv('BELAY_DIR', '/backups');
    expect(callOf('list').options.dir).toBe('/backups');
    expect(callOf('list', '-d', '/other').options.dir).toBe('/other');
  });
});

describe('restore', () => {
  it('takes every option of the contract', () => {
    const call = callOf(
      ...(
        'restore 1f2e /lib /main.py --to /copy --map /a=/b --map c=d --include x --exclude y ' +
        '--overwrite never --delete --no-safety --in-place --no-verify --keep-going --all'
      ).split(' '),
    );
    expect(call.args).toEqual(['1f2e', ['/lib', '/main.py']]);
    expect(call.options).toMatchObject({
      to: '/copy',
      map: [
        ['/a', '/b'],
        ['c', 'd'],
      ],
      include: ['x'],
      exclude: ['y'],
      overwrite: 'never',
      delete: true,
      safety: false,
      inPlace: true,
      verify: false,
      keepGoing: true,
      all: true,
    });
  });

  it('means latest without a backup, and replaces what has changed', () => {
    const call = callOf('restore');
    expect(call.args).toEqual([undefined, []]);
    expect(call.options).toMatchObject({ overwrite: 'if-changed', safety: true, verify: true });
  });

  it('has --undo', () => {
    expect(callOf('restore', '--undo').options).toMatchObject({ undo: true });
  });
});

describe('the other commands', () => {
  it.each([
    ['verify a b --against-board', [['a', 'b']], { againstBoard: true }],
    ['verify', [[]], {}],
    ['diff a', ['a', undefined], {}],
    ['diff a board --text', ['a', 'board'], { text: true }],
    ['files a *.py', ['a', '*.py'], {}],
    ['extract a lib main.py --output out', ['a', ['lib', 'main.py']], { output: 'out' }],
    ['merge a --replace', ['a'], { replace: true }],
    ['prune --keep-last 2 --merge-expired', [], { keepLast: 2, mergeExpired: true }],
    ['remove a b --cascade', [['a', 'b']], { cascade: true }],
    ['devices --probe', [], { probe: true }],
    ['doctor --transcript t.txt', [], { transcript: 't.txt' }],
    ['list --all', [], { all: true }],
    ['completion fish', ['fish'], {}],
  ])('%s', (line, args, options) => {
    const call = callOf(...line.split(' '));
    expect(call.args).toEqual(args);
    expect(call.options).toMatchObject(options);
  });
});

describe('a wrong command line', () => {
  it.each([
    [['lst'], 'unknown command "lst"', 'did you mean "list"?'],
    [['restor', 'latest'], 'unknown command "restor"', 'did you mean "restore"?'],
    [['xyzzy'], 'unknown command "xyzzy"', 'belay-backup --help lists the commands'],
    [['help', 'restor'], 'unknown command "restor"', 'did you mean "restore"?'],
    [['--port', ''], '--port is empty', 'leave --port out'],
    [['list', '--jsn'], "unknown option '--jsn'", 'did you mean --json?'],
    [['--prot', 'virtual'], "unknown option '--prot'", 'did you mean --port?'],
    [['backup', 'extra'], 'backup: unexpected argument "extra"', null],
    [['--type', 'fully'], "option '--type <type>' argument 'fully' is invalid", null],
    [['cat', 'a'], "missing required argument 'path'", null],
    [['extract', 'a'], "required option '-o, --output <folder>' not specified", null],
    [['--baud', 'fast'], '"fast" is not a whole number', null],
    [['--retry-lock', 'soon'], '"soon" is not a time', null],
    [['--keep-within', '3x'], '"3x" is not a span of time', null],
    [['--meta', 'novalue'], '--meta novalue: not of the form key=value', null],
    [['completion', 'tcsh'], "'tcsh' is invalid for argument 'shell'", null],
  ])('%j is refused: %s', (argv, message, hint) => {
    const error = errorOf(...argv);
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(message);
    if (hint !== null) expect(error.hint).toContain(hint);
  });
});

describe('help', () => {
  it('prints the exit statuses, every command and option', () => {
    const text = shown('--help');
    for (const name of COMMAND_NAMES) expect(text).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    for (const status of [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 20, 75, 130]) {
      expect(text).toMatch(new RegExp(`^ +${status}  \\w`, 'm'));
    }
  });

  it('fits into 80 columns, with examples, for every command', () => {
    const texts = [shown('--help'), ...COMMAND_NAMES.map((name) => shown(name, '--help'))];
    for (const text of texts) {
      expect(text).toContain('Examples:');
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it('answers in either order and by name', () => {
    expect(shown('list', '--help')).toContain('Usage: belay-backup list');
    expect(shown('--help', 'list')).toContain('Usage: belay-backup list');
    expect(shown('help', 'list')).toContain('Usage: belay-backup list');
    expect(shown('help')).toContain('Usage: belay-backup [command]');
  });

  it('prints the version alone', () => {
    expect(shown('--version')).toBe('1.2.3\n');
    expect(shown('-V')).toBe('1.2.3\n');
  });
});
