/**
 * The progress screen in a real terminal: the built command in tmux, a board on a pseudo-terminal
 * behind a wire of 115,200 baud, so that there is time to look.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VirtualBoard } from '../../dist/testing/index.js';
import { MAIN, runCommand } from '../cli/run-command.js';
import { missingTmux, TmuxTerminal } from '../support/tmux-terminal.js';

const missing = missingTmux();
if (missing !== null) console.info(`skipped: test/e2e/screen.test.ts: ${missing}`);

/** Incompressible, so that 25 kB take more than two seconds. */
function noise(sizeBytes: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: sizeBytes }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) & 255;
  });
}

describe.skipIf(missing !== null)('the screen in a real terminal', { timeout: 60_000 }, () => {
  let board: VirtualBoard;
  let port: string;
  let folder: string;
  let terminal: TmuxTerminal | null = null;

  beforeAll(async () => {
    const files = Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [`data/noise-${at}.bin`, noise(2_500, at + 1)]),
    );
    board = await VirtualBoard.start({
      files,
      uniqueIdHex: '00000000000000e2',
      bytesPerSecond: 11_520,
      overrun: 'hold',
    });
    port = (await board.pty()).path;
    folder = mkdtempSync(join(tmpdir(), 'belay-screen-'));
  }, 60_000);

  afterEach(() => {
    terminal?.close();
    terminal = null;
  });

  afterAll(async () => {
    await board?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(columns: number, rows: number): TmuxTerminal {
    terminal = new TmuxTerminal(columns, rows, { LANG: 'C.UTF-8', CI: 'false' });
    return terminal;
  }

  const cursorIsVisible = (at: TmuxTerminal) => at.ask('#{cursor_flag}') === '1';

  const backupLine = (into: string) =>
    `clear; '${process.execPath}' '${MAIN}' -p ${port} -d ${join(folder, into)}; echo status=$?`;

  /** Archives and leftovers of them. */
  const archivesIn = (into: string) =>
    readdirSync(join(folder, into), { recursive: true })
      .map(String)
      .filter((name) => /\.(blb|tmp)$/.test(name));

  it('shows stage, bar, numbers and file, then the summary; the scrollback survives', async () => {
    const at = open(80, 24);
    at.type('seq 1 200');
    await at.until(/^200$/m);
    at.type(backupLine('done').replace('clear; ', ''));
    const running = await at.until(/Reading[\s\S]*█+░+ +\d+ %[\s\S]*\d+\/10 files[\s\S]*noise-\d/);
    expect(running).toMatch(/[\d.]+ kB of 25\.0 kB/);
    await at.until(/kB\/s, \d+:\d\d left/);
    const done = await at.until(/status=0/);
    expect(done).toMatch(/✓ backed up: 10 files, 25\.0 kB/);
    expect(done).toContain('10 files and 1 folder');
    const numbers = at.history().match(/^\d+$/gm) ?? [];
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, index) => String(index + 1)));
    expect(done.match(/░/g)).toBeNull();
  });

  it('keeps a warning in the scrollback, above the lines that move', async () => {
    await runCommand(['-q', '-p', 'virtual', '-d', join(folder, 'warned')]);
    const at = open(80, 24);
    at.type(backupLine('warned'));
    const running = await at.until(/Reading, 1 warning[\s\S]*█/);
    expect(running).toMatch(/^! this board has no backup here yet/m);
    const done = await at.until(/status=0/);
    expect(done.match(/this board has no backup here yet/g)).toHaveLength(1);
  });

  it('fits into less than 40 columns, and into a terminal that gets narrower on the way', async () => {
    const at = open(38, 12);
    at.type(backupLine('narrow'));
    const liveLines = (screen: string) =>
      screen.split('\n').slice(screen.split('\n').findLastIndex((line) => /Reading/.test(line)));
    const wide = await at.until(/\n█+░+ +\d+ %\n/);
    for (const line of liveLines(wide)) expect(line.length).toBeLessThan(38);
    at.resize(24, 12);
    const narrow = await at.until(/\n█+░+ +\d+ %\n\d.{1,23}\ndata\/noise/);
    for (const line of liveLines(narrow)) expect(line.length).toBeLessThan(24);
    await at.until(/status=0/);
  });

  it('stops cleanly at Ctrl-C: 130, a visible cursor, no archive, and the board works on', async () => {
    const at = open(80, 24);
    at.type(backupLine('stopped'));
    await at.until(/Reading[\s\S]*\d+\/10 files/);
    const pressedMs = performance.now();
    at.press('C-c');
    const screen = await at.until(/status=130/);
    expect(performance.now() - pressedMs).toBeLessThan(2_500);
    expect(screen).toContain('stopping');
    expect(screen).toMatch(/error: cancelled/);
    expect(existsSync(join(folder, 'stopped')) ? archivesIn('stopped') : []).toEqual([]);
    expect(cursorIsVisible(at)).toBe(true);
    at.type(backupLine('again'));
    await at.until(/status=0/);
  });
});
