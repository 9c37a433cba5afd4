/**
 * The only place where real parts are joined: ports, the virtual board, the folder of backups, the
 * clock, randomness, the environment.
 */
import { BelayError } from './core/errors.js';
import type { EventListener } from './core/events.js';
import type { Connect, JobContext } from './jobs/context.js';
import type { DevicesParts } from './jobs/devices.js';
import type { BackupFolder } from './store/backup-folder.js';

export interface PortWish {
  /** `auto`, a path, `id:<serial number>`, `virtual`, `virtual:<folder>`. Default: BELAY_PORT, else `auto`. */
  readonly port?: string | undefined;
  /** Default 115200. */
  readonly baud?: number | undefined;
  /** Wait this long for a port that another process holds; default 0. */
  readonly retryLockMs?: number | undefined;
}

/** A way to the wished board; nothing is opened before it is called. */
export function connectorFor(_wish: PortWish, _context: JobContext): Connect {
  return () => Promise.reject(new BelayError('job/failed', 'no connection'));
}

/** For `devices`. */
export function devicesParts(_wish: PortWish, _context: JobContext): DevicesParts {
  throw new BelayError('job/failed', 'no devices');
}

/** `folder`, else BELAY_DIR, else ~/belay-backups. */
export function backupFolderPath(_folder?: string): string {
  throw new BelayError('job/failed', 'no folder');
}

export function openStore(_folder: string | undefined): BackupFolder {
  throw new BelayError('job/failed', 'no folder');
}

/** The real clock and real randomness. */
export function systemContext(_options: {
  readonly signal: AbortSignal;
  readonly emit: EventListener;
}): JobContext {
  throw new BelayError('job/failed', 'no context');
}
