/** Virtual boards and a folder of backups, new for each test and gone after it: whole jobs in one process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { connectBoard } from '../../src/device/board.js';
import { type BackupOptions, type BackupResult, backup } from '../../src/jobs/backup.js';
import type { Connect, JobContext } from '../../src/jobs/context.js';
import { prepareRestore, type RestoreOptions } from '../../src/jobs/restore.js';
import type { BackupFolder } from '../../src/store/backup-folder.js';
import { VirtualBoard, type VirtualBoardOptions } from '../../src/testing/index.js';
import { openStore, systemContext } from '../../src/wiring.js';

export class VirtualLab {
  folder = '';
  store!: BackupFolder;
  context!: JobContext;
  readonly #boards: VirtualBoard[] = [];

  async setUp(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'belay-lab-'));
    this.store = openStore(join(this.folder, 'backups'));
    this.context = systemContext({ signal: new AbortController().signal, emit: () => {} });
  }

  async clear(): Promise<void> {
    for (const board of this.#boards.splice(0)) await board.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async start(options: VirtualBoardOptions): Promise<VirtualBoard> {
    const board = await VirtualBoard.start(options);
    this.#boards.push(board);
    return board;
  }

  /** `onConnect` is told each time that a job connects, from 1 on. */
  connectTo(board: VirtualBoard, onConnect: (time: number) => void = () => {}): Connect {
    let time = 0;
    const { clock, randomHex: random } = this.context;
    return async (wish) => {
      time += 1;
      onConnect(time);
      return connectBoard(board.port(), { clock, random, ...wish });
    };
  }

  backUp(board: VirtualBoard, options: BackupOptions = {}): Promise<BackupResult> {
    return backup({ connect: this.connectTo(board), store: this.store }, options, this.context);
  }

  async restoreTo(board: VirtualBoard, options: RestoreOptions = {}) {
    const parts = { connect: this.connectTo(board), store: this.store };
    return (await prepareRestore(parts, options, this.context)).carryOut();
  }
}

/** For a test file: a lab that every test finds new. */
export function virtualLab(): VirtualLab {
  const lab = new VirtualLab();
  beforeEach(() => lab.setUp());
  afterEach(() => lab.clear());
  return lab;
}
