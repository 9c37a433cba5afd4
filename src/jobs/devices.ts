/** `devices`: boards that are plugged in. */
import { isBelayError, throwIfAborted } from '../core/errors.js';
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
}

export interface DevicesResult {
  readonly devices: readonly DeviceRow[];
}

export interface DevicesParts {
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
  for (const port of await parts.listPorts()) {
    throwIfAborted(context.signal);
    devices.push(
      options.probe === true
        ? await probed(parts, port, context)
        : { ...port, board: null, problem: null },
    );
  }
  return { devices };
}

async function probed(
  parts: DevicesParts,
  port: DevicePort & { readonly likelyBoard: boolean },
  context: JobContext,
): Promise<DeviceRow> {
  try {
    const connection = await parts.connectTo(port.path)({
      signal: context.signal,
    });
    const board = summaryOfConnection(connection, null);
    await connection.leave('auto');
    return { ...port, board, problem: null };
  } catch (error) {
    if (!isBelayError(error) || error.code === 'job/cancelled') throw error;
    return {
      ...port,
      board: null,
      problem: { code: error.code, message: error.message },
    };
  }
}
