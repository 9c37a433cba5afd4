/**
 * Who a board is, for the folder that holds its backups and for chaining: its unique id, else the
 * serial number of its USB port, else the name the user gave it (`--board`).
 */
import type { ManifestDeviceInfo } from '../archive/manifest.js';
import { boardGroupOf, boardKeyOf } from '../core/board-key.js';
import type { BoardConnection, BoardInfo } from '../device/device-fs.js';

/** The `board` object of summaries and lists. */
export interface BoardSummary {
  /** `--board`, else the machine's name. */
  readonly name: string;
  /** null where the backup is looked at without the board. */
  readonly port: string | null;
  readonly machine: string;
  readonly firmware: string;
  readonly version: string;
  readonly uniqueId: string | null;
}

export interface BoardIdentity {
  /** Equal for the same board, different for different ones. */
  readonly uniqueKey: string;
  readonly name: string;
  /** False where nothing tells this board from another: such backups are never chained by themselves. */
  readonly chainable: boolean;
}

export function identityOf(board: {
  readonly uniqueId: string | null;
  readonly usbSerial: string | null;
  readonly boardName: string | null;
  readonly machine: string;
}): BoardIdentity {
  const name = board.boardName ?? board.machine;
  return { uniqueKey: boardGroupOf(board), name, chainable: boardKeyOf(board) !== null };
}

export function identityOfConnection(
  connection: BoardConnection,
  boardName: string | null,
): BoardIdentity {
  return identityOf({
    uniqueId: connection.info.uniqueId,
    usbSerial: connection.usbSerial,
    boardName,
    machine: connection.info.machine,
  });
}

export function identityOfManifest(device: ManifestDeviceInfo): BoardIdentity {
  return identityOf(device);
}

export function summaryOfConnection(
  connection: BoardConnection,
  boardName: string | null,
): BoardSummary {
  const { info } = connection;
  return {
    name: boardName ?? info.machine,
    port: connection.portName,
    machine: info.machine,
    firmware: info.firmware,
    version: info.version,
    uniqueId: info.uniqueId,
  };
}

export function summaryOfManifest(device: ManifestDeviceInfo): BoardSummary {
  return {
    name: device.boardName ?? device.machine,
    port: null,
    machine: device.machine,
    firmware: device.firmware,
    version: device.version,
    uniqueId: device.uniqueId,
  };
}

/** What the board said of itself, as the manifest keeps it. */
export function deviceInfoOf(
  info: BoardInfo,
  usbSerial: string | null,
  boardName: string | null,
): ManifestDeviceInfo {
  return {
    firmware: info.firmware,
    version: info.version,
    machine: info.machine,
    platform: info.platform,
    uniqueId: info.uniqueId,
    boardName,
    usbSerial,
    epochYear: info.epochYear,
    mounts: info.mounts.map((mount) => ({ ...mount })),
    mpy: info.mpy,
    probe: { ...info.probe },
  };
}
