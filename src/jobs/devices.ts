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
  /** Connect to each that looks like a board and ask it who it is. */
  readonly probe?: boolean | undefined;
  /** Ask this one, whatever it looks like. */
  readonly port?: string | undefined;
}

export interface DeviceRow extends DevicePort {
  /** A vendor that makes boards or USB bridges found on them. */
  readonly likelyBoard: boolean;
  readonly asked: boolean;
  /** null unless asked. */
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

/**
 * Ports that cannot be opened or hold no board stand in the list with their problem. Only what looks
 * like a board, or was named, is asked: a modem or a printer might act upon what an interrupt is to
 * a board.
 */
export async function listDevices(
  parts: DevicesParts,
  options: DevicesOptions,
  context: JobContext,
): Promise<DevicesResult> {
  const backups = parts.store === null ? [] : await parts.store.list({ safety: false });
  const ports = await parts.listPorts();
  throwIfAborted(context.signal);
  const devices = await Promise.all(
    ports.map(async (port): Promise<DeviceRow> => {
      const asked = options.probe === true && (port.likelyBoard || port.path === options.port);
      const { board, problem } = asked
        ? await askedWhoItIs(parts, port.path, context)
        : { board: null, problem: null };
      return { ...port, asked, board, problem, lastBackup: lastOf(backups, port, board) };
    }),
  );
  return { devices };
}

async function askedWhoItIs(
  parts: DevicesParts,
  path: string,
  context: JobContext,
): Promise<Pick<DeviceRow, 'board' | 'problem'>> {
  try {
    const connection = await parts.connectTo(path)({ signal: context.signal });
    const board = summaryOfConnection(connection, null);
    await connection.leave('auto');
    return { board, problem: null };
  } catch (error) {
    if (!isBelayError(error) || error.code === 'job/cancelled') throw error;
    return { board: null, problem: { code: error.code, message: error.message } };
  }
}

/** A board that was asked is known by what it said; a port alone by its USB serial number. */
function lastOf(
  backups: readonly StoredBackup[],
  port: DevicePort,
  board: BoardSummary | null,
): LastBackup | null {
  const own = backups.flatMap(({ head, path }) => {
    if (head === null) return [];
    const { backupId, createdAt, sequence, deviceInfo } = head.manifest;
    const { uniqueId, usbSerial } = deviceInfo;
    const bySerial = port.serialNumber !== null && usbSerial === port.serialNumber;
    const isOurs = board?.uniqueId ? uniqueId === board.uniqueId : bySerial;
    return isOurs ? [{ backupId, createdAt, sequence, archive: path }] : [];
  });
  const last = own.sort((a, b) => a.sequence - b.sequence).at(-1);
  if (last === undefined) return null;
  const { backupId, createdAt, archive } = last;
  return { backupId, createdAt, archive };
}
