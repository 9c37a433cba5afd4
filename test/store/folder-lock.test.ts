import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LockDeps } from '../../src/store/folder-lock.js';
import { HEARTBEAT_MS, takeFolderLock } from '../../src/store/folder-lock.js';
import { hostProcess } from '../../src/store/host-process.js';
import type { LockRecord } from '../../src/store/lock-file.js';
import { decodeLock, encodeLock, LOCK_NAME } from '../../src/store/lock-file.js';
import { removeLock } from '../../src/store/lock-takeover.js';

const contender = new URL('./lock-contender.mjs', import.meta.url).pathname;
const run = promisify(execFile);

let folder: string;
let monotonicMs: number;
const signal = new AbortController().signal;
const atOnce = { retryMs: 0, signal };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-lock-'));
  monotonicMs = 0;
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

function ticking(stepMs: number): number {
  monotonicMs += stepMs;
  return monotonicMs;
}

let random = 0;
function deps(overrides: Partial<LockDeps> = {}): LockDeps {
  return {
    // Every look at the clock is 20 ms later, so that waiting ends without waiting.
    clock: {
      now: () => new Date('2026-11-20T10:00:00Z'),
      monotonicMs: () => ticking(20),
    },
    randomHex: (bytes) => {
      random += 1;
      return random.toString(16).padStart(bytes * 2, '0');
    },
    host: hostProcess({ pid: process.pid, isAlive: () => true }),
    ...overrides,
  };
}

const host = deps().host;
const path = () => join(folder, LOCK_NAME);

function record(overrides: Partial<LockRecord> = {}): LockRecord {
  return {
    token: 'abcdef0123456789',
    host: host.host,
    bootId: host.bootId,
    pid: process.pid,
    startTime: host.startTime,
    purpose: 'backup',
    since: '2026-11-20T09:00:00.000Z',
    counter: 0,
    ...overrides,
  };
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.on('exit', resolve));
  return child.pid as number;
}

const locked = (message: RegExp | string) =>
  expect.objectContaining({
    code: 'store/locked',
    exitCode: 11,
    message:
      typeof message === 'string'
        ? expect.stringContaining(message)
        : expect.stringMatching(message),
  });

describe('the lock of a board folder', () => {
  it('is held by one at a time and leaves nothing behind', async () => {
    const lock = await takeFolderLock(folder, 'backup', atOnce, deps());
    await lock.check();
    await expect(takeFolderLock(folder, 'prune', atOnce, deps())).rejects.toEqual(
      locked(
        `locked by process ${process.pid} on ${host.host} (backup, since 2026-11-20T10:00:00.000Z)`,
      ),
    );
    await lock.release();
    await lock.release();
    await (await takeFolderLock(folder, 'prune', atOnce, deps())).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes the folder away again that it made, where nothing came into it', async () => {
    const fresh = join(folder, 'board-12345678');
    const lock = await takeFolderLock(fresh, 'backup', atOnce, deps());
    await mkdir(join(fresh, 'safety'));
    await lock.release();
    expect(await readdir(folder)).toEqual([]);

    const kept = await takeFolderLock(fresh, 'backup', atOnce, deps());
    await writeFile(join(fresh, 'backup.blb'), 'x');
    await kept.release();
    expect(await readdir(fresh)).toEqual(['backup.blb']);

    const empty = join(folder, 'of-the-user');
    await mkdir(empty);
    await (await takeFolderLock(empty, 'backup', atOnce, deps())).release();
    expect(await readdir(folder)).toContain('of-the-user');
  });

  it('makes the folder anew where its last holder has just taken it away', async () => {
    const fresh = join(folder, 'board-12345678');
    for (let round = 0; round < 20; round += 1) {
      const first = await takeFolderLock(fresh, 'backup', atOnce, deps());
      const second = takeFolderLock(fresh, 'prune', { retryMs: 10_000, signal }, deps());
      await first.release();
      await (await second).release();
      await rm(fresh, { recursive: true, force: true });
    }
  });

  it('waits for its holder with --retry-lock', async () => {
    const first = await takeFolderLock(folder, 'backup', atOnce, deps());
    const second = takeFolderLock(folder, 'prune', { retryMs: 10_000, signal }, deps());
    await first.release();
    await (await second).release();
  });

  it('stops waiting when it is cancelled', async () => {
    const lock = await takeFolderLock(folder, 'backup', atOnce, deps());
    const abort = new AbortController();
    const frozen = deps({
      clock: { now: () => new Date(), monotonicMs: () => 0 },
    });
    const waiting = takeFolderLock(folder, 'prune', { retryMs: 1e9, signal: abort.signal }, frozen);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'job/cancelled' });
    await lock.release();
  });

  it('I4 is taken over from a dead process of this computer and boot', async () => {
    await writeFile(path(), encodeLock(record({ pid: await deadPid() })));
    const lock = await takeFolderLock(folder, 'backup', atOnce, deps());
    expect(decodeLock(await readFile(path(), 'utf8'))?.token).toBe(lock.token);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('I4 is left to another computer, and to another boot of a computer of this name', async () => {
    const pid = await deadPid();
    for (const other of [{ host: 'elsewhere' }, { bootId: 'before' }]) {
      await writeFile(path(), encodeLock(record({ pid, ...other })));
      await expect(takeFolderLock(folder, 'backup', atOnce, deps())).rejects.toEqual(
        locked(`process ${pid}`),
      );
    }
  });

  it('I4 tells a reused process number by its start time', async () => {
    await writeFile(path(), encodeLock(record({ startTime: '1' })));
    await (await takeFolderLock(folder, 'backup', atOnce, deps())).release();
    await writeFile(path(), encodeLock(record()));
    await expect(takeFolderLock(folder, 'backup', atOnce, deps())).rejects.toEqual(
      locked('(backup, since'),
    );
  });

  it('I4 ignores an empty lock file, after a moment in which it could have been filled', async () => {
    await writeFile(path(), '');
    const clock = { now: () => new Date(), monotonicMs: () => ticking(500) };
    await (await takeFolderLock(folder, 'backup', atOnce, deps({ clock }))).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('I4 stops at a lock file that it cannot make sense of, and says how to go on', async () => {
    for (const text of ['not json', '{}', 'null', '{"token":7}']) {
      await writeFile(path(), text);
      await expect(takeFolderLock(folder, 'backup', atOnce, deps())).rejects.toMatchObject({
        code: 'store/locked',
        hint: expect.stringContaining('unlock'),
      });
      expect(await readFile(path(), 'utf8')).toBe(text);
    }
  });

  it('I4 keeps a lock from the future and says that a clock is wrong', async () => {
    await writeFile(
      path(),
      encodeLock(record({ host: 'elsewhere', since: '2090-01-01T00:00:00.000Z' })),
    );
    await expect(takeFolderLock(folder, 'backup', atOnce, deps())).rejects.toEqual(
      locked('in the future'),
    );
  });

  it('offers a foreign lock for removal after ten minutes without a sign of life, and never takes it', async () => {
    await writeFile(path(), encodeLock(record({ host: 'elsewhere' })));
    const clock = {
      now: () => new Date(),
      monotonicMs: () => ticking(100_000),
    };
    const waiting = takeFolderLock(folder, 'backup', { retryMs: 1e9, signal }, deps({ clock }));
    await expect(waiting).rejects.toMatchObject({
      code: 'store/locked',
      message: expect.stringContaining('no sign of life for 10 minutes'),
      details: expect.objectContaining({ standstill: true }),
    });
    expect(decodeLock(await readFile(path(), 'utf8'))?.host).toBe('elsewhere');
  });

  it('shows a sign of life every 30 s', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const lock = await takeFolderLock(folder, 'backup', atOnce, deps());
    vi.advanceTimersByTime(HEARTBEAT_MS * 3);
    await lock.check();
    await vi.waitFor(async () => {
      expect(decodeLock(await readFile(path(), 'utf8'))?.counter).toBe(3);
    });
    await lock.release();
  });

  it('G7 J4 knows when it was taken over during a standstill, and then touches nothing', async () => {
    const lock = await takeFolderLock(folder, 'backup', atOnce, deps());
    expect(
      await removeLock(path(), lock.token, record({ token: 'feedfeedfeedfeed' }), deps()),
    ).toBe(true);
    const other = await takeFolderLock(folder, 'prune', atOnce, deps());
    await expect(lock.check()).rejects.toMatchObject({
      code: 'store/lock-lost',
      exitCode: 11,
    });
    await lock.release();
    await other.check();
    await other.release();
  });

  it('never removes a fresh lock that took the place of the judged one', async () => {
    const fresh = await takeFolderLock(folder, 'backup', atOnce, deps());
    expect(await removeLock(path(), 'abcdef0123456789', record(), deps())).toBe(false);
    await fresh.check();
    await fresh.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('goes on where a process died in the middle of a takeover', async () => {
    const pid = await deadPid();
    await writeFile(path(), encodeLock(record({ pid })));
    const guard = `${path()}.abcdef0123456789.taken`;
    await writeFile(guard, encodeLock(record({ pid, token: '1234567812345678' })));
    await (await takeFolderLock(folder, 'backup', atOnce, deps())).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('I5 lets 20 processes in 2,000 times, never two at once, some of them dying inside', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        run(process.execPath, [contender, folder, '100', at < 5 ? 'die' : 'live']).then(
          ({ stdout }) => stdout.trim(),
          (error: { signal?: string }) => error.signal,
        ),
      ),
    );
    expect(results.slice(0, 5)).toEqual(Array(5).fill('SIGKILL'));
    expect(results.slice(5)).toEqual(Array(15).fill('0'));
    const last = await takeFolderLock(folder, 'backup', atOnce, deps());
    await last.release();
    expect((await readdir(folder)).filter((name) => !name.endsWith('.tmp'))).toEqual([]);
  }, 60_000);
});
