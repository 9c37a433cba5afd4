/** `devices`: boards that are plugged in. */
import { BelayError } from '../core/errors.js';
import type { BoardSummary } from './board-identity.js';
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

export async function listDevices(
  _parts: DevicesParts,
  _options: DevicesOptions,
  _context: JobContext,
): Promise<DevicesResult> {
  throw new BelayError('job/failed', 'devices is not available');
}
