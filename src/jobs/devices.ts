/** `devices`: boards that are plugged in. */
import { isBelayError, throwIfAborted } from '../core/errors.js';
import type { BackupFolder, StoredBackup } from '../store/backup-folder.js';
import type { BoardSummary } from './board-identity.js';
import { summaryOfConnection } from './board-identity.js';
import type { Connect, JobContext } from './context.js';

export interface DevicePort {
  readonly path: string;
  readonly vendorId: string | null;
  readonly productId: string | null;
  readonly serialNumber: string | null;
  readonly manufacturer: string | null;
  readonly product: string | null;
}

export interface DevicesOptions {
  /** Connect to each and ask it who it is. */
  readonly probe?: boolean | undefined;
}

export interface DeviceRow extends DevicePort {
  /** A vendor that makes boards or USB bridges found on them. */
  readonly likelyBoard: boolean;
  /** null unless probed. */
  readonly board: BoardSummary | null;
  readonly problem: { readonly code: string; readonly message: string } | null;
  /** The newest one of that board: by its unique id where it was probed, else by USB serial number. */
  readonly lastBackup: LastBackup | null;
}

export interface LastBackup {
  readonly backupId: string;
  readonly createdAt: string;
  readonly archive: string;
}

export interface DevicesResult {
  readonly devices: readonly DeviceRow[];
}

export interface DevicesParts {
  /** Where the last backups are looked for; null: nowhere. */
  readonly store: Pick<BackupFolder, 'list'> | null;
  listPorts(): Promise<readonly (DevicePort & { readonly likelyBoard: boolean })[]>;
  connectTo(path: string): Connect;
}

/** Ports that cannot be opened or hold no board stand in the list with their problem. */
export async function listDevices(
  parts: DevicesParts,
  options: DevicesOptions,
  context: JobContext,
): Promise<DevicesResult> {
  const devices: DeviceRow[] = [];
  const backups = parts.store === null ? [] : await parts.store.list({ safety: false });
  for (const port of await parts.listPorts()) {
    throwIfAborted(context.signal);
    devices.push(
      options.probe === true
        ? await probed(parts, port, backups, context)
        : { ...port, board: null, problem: null, lastBackup: lastOf(backups, port, null) },
    );
  }
  return { devices };
}

async function probed(
  parts: DevicesParts,
  port: DevicePort & { readonly likelyBoard: boolean },
  backups: readonly StoredBackup[],
  context: JobContext,
): Promise<DeviceRow> {
  try {
    const connection = await parts.connectTo(port.path)({
      signal: context.signal,
    });
    const board = summaryOfConnection(connection, null);
    await connection.leave('auto');
    return { ...port, board, problem: null, lastBackup: lastOf(backups, port, board) };
  } catch (error) {
    if (!isBelayError(error) || error.code === 'job/cancelled') throw error;
    return {
      ...port,
      board: null,
      problem: { code: error.code, message: error.message },
      lastBackup: lastOf(backups, port, null),
    };
  }
}

/** A board that was asked is known by what it said; a port alone by its USB serial number. */
function lastOf(
  backups: readonly StoredBackup[],
  port: DevicePort,
  board: BoardSummary | null,
): LastBackup | null {
  let last: LastBackup | null = null;
  for (const { head, path } of backups) {
    if (head === null) continue;
    const { backupId, createdAt, deviceInfo } = head.manifest;
    const { uniqueId, usbSerial } = deviceInfo;
    const bySerial = port.serialNumber !== null && usbSerial === port.serialNumber;
    const isOurs = board?.uniqueId ? uniqueId === board.uniqueId : bySerial;
    if (!isOurs || (last !== null && last.createdAt >= createdAt)) continue;
    last = { backupId, createdAt, archive: path };
  }
  return last;
}
