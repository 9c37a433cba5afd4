/** A prepared restore that does nothing but be called. */
import { vi } from 'vitest';
import type { BoardSummary } from '../../src/jobs/board-identity.js';
import type { RestoreResult } from '../../src/jobs/restore.js';
import type { RestorePlan } from '../../src/jobs/restore-plan.js';

const BOARD: BoardSummary = {
  name: 'thermometer',
  port: 'virtual',
  machine: 'ESP32-S3',
  firmware: 'micropython',
  version: '1.27.0',
  uniqueId: '7c9ebd',
};

const PLAN: RestorePlan = {
  operations: [
    {
      kind: 'put',
      path: 'main.py',
      source: 'main.py',
      sizeBytes: 10,
      sha256: 'x',
      modifiedS: null,
      replaces: { sha256: 'y', sizeBytes: 9 },
    },
  ],
  skipped: [],
  unfit: [],
  strategy: 'staged',
  fits: true,
  atomic: true,
  bytesToWrite: 10,
  filesToWrite: 1,
  filesToDelete: 0,
  foldersToMake: 0,
  foldersToDelete: 0,
  space: null,
  warnings: [],
};

export function restoreResult(changes: Partial<RestoreResult> = {}): RestoreResult {
  return {
    summary: {
      command: 'restore',
      backupId: '1f2e3d4c5b6a79881f2e3d4c5b6a7988',
      filesWritten: 1,
      filesSkipped: 0,
      filesDeleted: 0,
      bytesWritten: 10,
      wireBytesIn: 100,
      wireBytesOut: 200,
      verified: true,
      times: 'now',
      timesSet: 0,
      durationMs: 1_200,
      failed: [],
    },
    plan: PLAN,
    board: BOARD,
    safetyArchive: '/b/safety/x.blb',
    warnings: [],
    conflicts: [],
    partial: false,
    ...changes,
  };
}

export function preparedRestore(result = restoreResult()) {
  return {
    plan: PLAN,
    source: {
      backupId: result.summary.backupId,
      archive: '/b/x.blb',
      createdAt: '2026-11-20T10:21:11.000Z',
      description: null,
      board: { ...BOARD, port: null },
    },
    board: BOARD,
    times: 'now' as const,
    warnings: [],
    carryOut: vi.fn(async () => result),
    cancel: vi.fn(async () => {}),
  };
}
