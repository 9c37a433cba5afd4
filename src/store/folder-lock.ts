/**
 * The lock of one board folder. It heals itself: a lock whose holder is certainly gone is taken over
 * without a question; one that cannot be judged (another computer, another boot) is left alone, and
 * after ten minutes without a sign of life offered for removal, never taken. On network folders this
 * is best effort: it is as good as the server's word on links and renames.
 */
import type { FileHandle } from 'node:fs/promises';
import { unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskCodeOf } from '../archive/disk.js';
import { BelayError, cancelled, isBelayError, throwIfAborted } from '../core/errors.js';
import type { FolderLock, LockHolder, LockOptions } from './backup-folder.js';
import { SAFETY_FOLDER } from './listing.js';
import type { LockRecord } from './lock-file.js';
import { decodeLock, describeHolder, encodeLock, holderOf, LOCK_NAME } from './lock-file.js';
import type { LockMaker } from './lock-takeover.js';
import { createLock, readLock, removeLock } from './lock-takeover.js';
import { makeFolder, removeEmptyFolder } from './make-folder.js';

export interface LockDeps extends LockMaker {
  readonly clock: { now(): Date; monotonicMs(): number };
}

/** A holder rewrites its counter this often. */
export const HEARTBEAT_MS = 30_000;
/** Measured by this process's own clock: a foreign lock that stands still so long may be removed. */
export const STANDSTILL_MS = 600_000;
/** An empty lock file is one whose maker died between making and writing it. */
const EMPTY_MS_MAX = 2_000;
const RELEASE_TRIES_MAX = 3;
const POLL_MS_MIN = 4;
const POLL_MS_MAX = 250;

/**
 * Throws store/locked, saying who holds it, since when and what to do; store/permission naming the
 * folder; job/cancelled.
 */
export async function takeFolderLock(
  boardFolder: string,
  purpose: string,
  options: LockOptions,
  deps: LockDeps,
): Promise<FolderLock> {
  const path = join(boardFolder, LOCK_NAME);
  let made = await makeFolder(boardFolder);
  const watch = new Watch(deps, options.retryMs);
  for (;;) {
    throwIfAborted(options.signal);
    const record = newRecord(purpose, deps);
    const handle = await createLock(path, record, deps).catch(async (error: unknown) => {
      if (!isBelayError(error, 'store/not-found')) throw error;
      // Its last holder had made it and took it away again, empty.
      made = (await makeFolder(boardFolder)) || made;
      return null;
    });
    if (handle !== null) return new HeldLock({ boardFolder, made, path, record, handle });
    const text = await readLock(path);
    if (text === null || (await clear(path, text, watch, record, deps))) continue;
    watch.refuseWhenOver(holderOf(path, decodeLock(text), deps.host));
    await pause(watch.nextPauseMs(), options.signal);
  }
}

function newRecord(purpose: string, deps: LockDeps): LockRecord {
  return {
    token: deps.randomHex(16),
    host: deps.host.host,
    bootId: deps.host.bootId,
    pid: deps.host.pid,
    startTime: deps.host.startTime,
    purpose,
    since: deps.clock.now().toISOString(),
    counter: 0,
  };
}

/** True where a lock that nobody holds was removed (by us or meanwhile by another). */
async function clear(
  path: string,
  text: string,
  watch: Watch,
  own: LockRecord,
  deps: LockDeps,
): Promise<boolean> {
  const stillMs = watch.standstillMs(text);
  const record = decodeLock(text);
  if (record === null) {
    if (text !== '' || stillMs < EMPTY_MS_MAX) return false;
    return removeLock(path, null, own, deps);
  }
  if (holderOf(path, record, deps.host).state !== 'dead') return false;
  return removeLock(path, record.token, own, deps);
}

/** How long we have waited, and how long the lock has not moved. */
class Watch {
  readonly #deps: LockDeps;
  readonly #startMs: number;
  readonly #retryMs: number;
  #text = '';
  #sinceMs: number;
  #pauseMs = POLL_MS_MIN;

  constructor(deps: LockDeps, retryMs: number) {
    this.#deps = deps;
    this.#retryMs = retryMs;
    this.#startMs = deps.clock.monotonicMs();
    this.#sinceMs = this.#startMs;
  }

  standstillMs(text: string): number {
    const now = this.#deps.clock.monotonicMs();
    if (text !== this.#text) {
      this.#text = text;
      this.#sinceMs = now;
    }
    return now - this.#sinceMs;
  }

  refuseWhenOver(holder: LockHolder): void {
    const now = this.#deps.clock.monotonicMs();
    const stillMs = now - this.#sinceMs;
    const stands = holder.state !== 'alive' && stillMs >= STANDSTILL_MS;
    // An empty file and a dead holder are about to be cleared: that much patience is always there.
    const clearing = holder.state === 'dead' || this.#text === '';
    const grace = clearing ? EMPTY_MS_MAX * 2 : 0;
    if (!stands && now - this.#startMs < Math.max(this.#retryMs, grace)) return;
    throw lockedError(holder, stands, this.#deps);
  }

  /** Waiting processes drift apart: each doubles its own pause, a random part of it off. */
  nextPauseMs(): number {
    const part = Number.parseInt(this.#deps.randomHex(1), 16) / 256;
    const pauseMs = this.#pauseMs * (0.5 + part / 2);
    this.#pauseMs = Math.min(POLL_MS_MAX, this.#pauseMs * 2);
    return pauseMs;
  }
}

function lockedError(holder: LockHolder, stands: boolean, deps: LockDeps): BelayError {
  const future = holder.since !== null && Date.parse(holder.since) > deps.clock.now().getTime();
  const odd = future ? ' (a time in the future: one of the two clocks is wrong)' : '';
  const still = stands ? '; no sign of life for 10 minutes' : '';
  const folder = dirname(holder.path);
  const who = `${describeHolder(holder)}${odd}${still}`;
  return new BelayError('store/locked', `${folder} is locked by ${who}`, {
    hint:
      holder.state === 'alive'
        ? 'Wait for it to end, or give --retry-lock <time>.'
        : 'If that process is gone for certain, remove the lock with `belay-backup unlock`.',
    details: { ...holder, standstill: stands },
    retryable: true,
  });
}

interface HeldParts {
  readonly boardFolder: string;
  /** The folder was not there before this lock. */
  readonly made: boolean;
  readonly path: string;
  readonly record: LockRecord;
  readonly handle: FileHandle;
}

class HeldLock implements FolderLock {
  readonly boardFolder: string;
  readonly token: string;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #made: boolean;
  readonly #timer: ReturnType<typeof setInterval>;
  #record: LockRecord;
  #beat: Promise<unknown> = Promise.resolve();
  #released: Promise<void> | null = null;

  constructor(held: HeldParts) {
    this.boardFolder = held.boardFolder;
    this.token = held.record.token;
    this.#path = held.path;
    this.#record = held.record;
    this.#handle = held.handle;
    this.#made = held.made;
    this.#timer = setInterval(() => this.#rewrite(), HEARTBEAT_MS);
    this.#timer.unref();
  }

  /** Into the file that we made, whatever bears its name now. A failed beat is no loss of the lock. */
  #rewrite(): void {
    this.#record = { ...this.#record, counter: this.#record.counter + 1 };
    const text = encodeLock(this.#record);
    this.#beat = this.#beat.then(() => this.#handle.write(text, 0, 'utf8')).catch(() => {});
  }

  async check(): Promise<void> {
    const record = this.#released === null ? decodeLock((await readLock(this.#path)) ?? '') : null;
    if (record?.token === this.token) return;
    throw new BelayError('store/lock-lost', `the lock of ${this.boardFolder} was lost`, {
      hint: 'Nothing was changed after that; run the command again.',
      details: { path: this.#path, holder: record?.token ?? null },
    });
  }

  async release(): Promise<void> {
    this.#released ??= this.#end();
    await this.#released;
  }

  async #end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beat;
    for (let tries = 1; tries <= RELEASE_TRIES_MAX; tries += 1) if (await this.#removed()) break;
    await this.#handle.close().catch(() => {});
    if (this.#made) await this.#removeEmpty();
  }

  /** A job that was refused leaves no folder behind that it had made. */
  async #removeEmpty(): Promise<void> {
    for (const folder of [join(this.boardFolder, SAFETY_FOLDER), this.boardFolder])
      await removeEmptyFolder(folder);
  }

  /** A lock that stays would shut this process itself out: a passing failure is tried again. */
  async #removed(): Promise<boolean> {
    try {
      const record = decodeLock((await readLock(this.#path)) ?? '');
      if (record?.token === this.token) await unlink(this.#path);
      return true;
    } catch (error) {
      return diskCodeOf(error) === 'ENOENT';
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled());
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
