import { describe, expect, it } from 'vitest';
import { type BytecodeHeader, bytecodeHeader, bytecodeProblem } from '../../src/jobs/bytecode.js';
import { fatNameProblem } from '../../src/jobs/fat-names.js';
import { planRestore } from '../../src/jobs/plan-restore.js';
import { requireFeasible } from '../../src/jobs/restore.js';
import { MemoryBoard } from '../support/memory-board.js';
import { planInput } from './board-trees.js';

/** Version 6, sub-version 3, and a processor: what `sys.implementation._mpy` says. */
const mpy = (architecture: number, version = 6, subVersion = 3) =>
  version | (subVersion << 8) | (architecture << 10);
const head = (architecture: number, version = 6, subVersion = 3) =>
  bytecodeHeader(Uint8Array.of(0x4d, version, (architecture << 2) | subVersion, 31));

describe('a .mpy file', () => {
  it.each([
    ['bytecode alone, the same version', head(0), mpy(7), null],
    ['bytecode alone says nothing of the sub-version', head(0, 6, 0), mpy(7), null],
    ['another version', head(0, 5), mpy(7), /version 5.*version 6/],
    ['native code for this processor', head(7), mpy(7), null],
    ['native code for a smaller Cortex-M', head(4), mpy(7), null],
    ['native code for a bigger Cortex-M', head(7), mpy(4), /armv7emsp.*armv6m/],
    ['native code for another processor', head(10), mpy(4), /xtensawin.*armv6m/],
    ['native code of another sub-version', head(7, 6, 1), mpy(7), /sub-version 1/],
    ['anything else', bytecodeHeader(new TextEncoder().encode('print(1)')), mpy(7), /first bytes/],
  ] as const)('%s', (_, header, board, problem) => {
    const said = bytecodeProblem(header, { firmware: 'micropython', mpy: board });
    if (problem === null) expect(said).toBeNull();
    else expect(said).toMatch(problem);
  });

  it('of CircuitPython is none for MicroPython, and the other way round', () => {
    const circuit = bytecodeHeader(Uint8Array.of(0x43, 6, 0, 31));
    expect(bytecodeProblem(circuit, { firmware: 'micropython', mpy: null })).toMatch(
      /CircuitPython/,
    );
    expect(bytecodeProblem(circuit, { firmware: 'circuitpython', mpy: null })).toBeNull();
  });

  it('that the board cannot run is refused before anything is written, unless told', async () => {
    const source = new MemoryBoard({ 'a.mpy': 'old', 'b.mpy': 'good', 'main.py': '' });
    const target = new MemoryBoard({}, { info: { mpy: mpy(7) } });
    const bytecode = new Map<string, BytecodeHeader | null>([
      ['a.mpy', head(0, 5)],
      ['b.mpy', head(0)],
    ]);
    const plan = planRestore(await planInput(source, target, { bytecode }));
    expect(plan.unfit).toMatchObject([{ path: 'a.mpy', code: 'board/unfit' }]);
    expect(plan.operations.map((each) => each.path)).toEqual(['b.mpy', 'main.py']);
    expect(() => requireFeasible(plan, false)).toThrow(/a\.mpy: bytecode of version 5/);
    requireFeasible(plan, true);
    const told = planRestore(await planInput(source, target, { bytecode, allowUnfit: true }));
    expect(told.unfit).toEqual([]);
    expect(told.warnings).toMatchObject([{ code: 'other-bytecode', path: 'a.mpy' }]);
  });
});

describe('another board', () => {
  it('with a smaller flash, another version or other programs at the start is warned about', async () => {
    const mount = (totalBytes: number) => [
      { path: '', skipped: false, readOnly: null, totalBytes, freeBytes: null, blockBytes: null },
    ];
    const source = new MemoryBoard(
      { 'code.py': '' },
      { info: { firmware: 'circuitpython', version: '9.0.0', mounts: mount(4096) } },
    );
    const target = new MemoryBoard({}, { info: { mounts: mount(2048) } });
    const { warnings } = planRestore(await planInput(source, target));
    expect(warnings.map((each) => each.code)).toEqual([
      'other-firmware',
      'smaller-flash',
      'not-started',
    ]);
  });
});

describe('a file system that Python cannot write', () => {
  const locked = () => {
    const board = new MemoryBoard({ 'a.py': 'a' });
    const mounts = board.info.mounts.map((mount) => ({ ...mount, readOnly: true }));
    return new MemoryBoard({ 'a.py': 'a' }, { info: { mounts } });
  };

  it('refuses a change with two ways out, also with --keep-going and for --delete', async () => {
    for (const content of [{ 'a.py': 'new' }, {}]) {
      const input = await planInput(new MemoryBoard(content), locked(), { delete: true });
      const plan = planRestore(input);
      expect(plan.operations).toEqual([]);
      const refusal = expect.objectContaining({
        code: 'board/read-only',
        hint: expect.stringMatching(/storage\.remount[\s\S]*unsafe_disable_usb_drive/),
      });
      for (const keepGoing of [false, true])
        expect(() => requireFeasible(plan, keepGoing)).toThrow(refusal);
    }
  });

  it('is no obstacle where nothing is to be changed', async () => {
    const plan = planRestore(await planInput(new MemoryBoard({ 'a.py': 'a' }), locked()));
    expect(plan).toMatchObject({ operations: [], unfit: [] });
  });
});

describe('a board that keeps its files under /flash', () => {
  const under = () => {
    const board = new MemoryBoard({ 'flash/': null, 'flash/a.py': 'a' });
    const mounts = board.info.mounts.map((mount) => ({ ...mount, path: 'flash' }));
    return new MemoryBoard({ 'flash/': null, 'flash/a.py': 'a' }, { info: { mounts } });
  };

  it('takes nothing at its root, and says where it would', async () => {
    const plan = planRestore(await planInput(new MemoryBoard({ 'a.py': 'new' }), under()));
    expect(plan.operations).toEqual([]);
    expect(() => requireFeasible(plan, false)).toThrow(/^\/a\.py: no file system .* --to \/flash/);
  });

  it('takes what is put below', async () => {
    const input = await planInput(new MemoryBoard({ 'a.py': 'new' }), under(), { to: 'flash' });
    const board = { ...input.board, scannedMounts: new Set(['', 'flash']) };
    expect(planRestore({ ...input, board })).toMatchObject({
      unfit: [],
      operations: [expect.objectContaining({ kind: 'put', path: 'flash/a.py' })],
    });
  });
});

describe('names on FAT', () => {
  it('hold no control bytes, none of its own signs, and no dot or space at the end', async () => {
    for (const name of ['a:b', 'a?', 'a*', '"', 'a\x01', 'a.', 'a ']) {
      expect(fatNameProblem(name), name).not.toBeNull();
    }
    for (const name of ['a.py', 'é', '.hidden', 'a b', "o'brien #1"])
      expect(fatNameProblem(name), name).toBeNull();
    const fat = new MemoryBoard({}, { info: { atomicRename: false } });
    const plan = planRestore(await planInput(new MemoryBoard({ 'a:b': '' }), fat));
    expect(plan.unfit).toMatchObject([{ path: 'a:b', code: 'board/unfit' }]);
  });
});
