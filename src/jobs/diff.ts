/** `diff`: what changed between two backups, or between a backup and the board. */
import { BelayError } from '../core/errors.js';
import type { Connect, JobContext, StoreParts } from './context.js';

export interface TreeChange {
  /** `+` added, `-` removed, `M` content changed, `T` kind changed, `?` unknown on one side (could not be read). */
  readonly status: '+' | '-' | 'M' | 'T' | '?';
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'failed';
  readonly sizeBefore: number | null;
  readonly sizeAfter: number | null;
  readonly checksumBefore: string | null;
  readonly checksumAfter: string | null;
  /** With `text`: a unified diff, null where a side is not text or too big. */
  readonly text?: string | null;
}

export interface DiffOptions {
  readonly a: string;
  /** `board` for the connected board; default `board`. */
  readonly b?: string | undefined;
  readonly text?: boolean | undefined;
  readonly board?: string | null | undefined;
}

export interface DiffResult {
  /** backupId, and `board` for the connected board. */
  readonly a: string;
  readonly b: string;
  readonly changes: readonly TreeChange[];
}

/** `connect` is only called where `b` is the board. */
export async function compareBackups(
  _parts: StoreParts & { readonly connect: Connect | null },
  _options: DiffOptions,
  _context: JobContext,
): Promise<DiffResult> {
  throw new BelayError('job/failed', 'diff is not available');
}
