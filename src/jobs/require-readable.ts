/** Before anything is deleted: what cannot be read at the moment may need what would go. */
import { BelayError } from '../core/errors.js';
import type { ArchiveListing } from './archive-listing.js';

/**
 * Throws where an archive of these board folders could not be opened (a disk error, no permission),
 * as opposed to read and found damaged: its needs are unknown, so nothing may be removed.
 */
export function requireReadable(listing: ArchiveListing, boardFolders: Iterable<string>): void {
  const concerned = new Set(boardFolders);
  for (const { boardFolder, path, problem } of listing.stored) {
    if (problem === null || !problem.code.startsWith('store/')) continue;
    if (!concerned.has(boardFolder) && !concerned.has(path)) continue;
    throw new BelayError(problem.code, `nothing is removed while ${path} cannot be read`, {
      hint: 'what it is built on is unknown; make it readable, or move it out of the folder',
      cause: problem,
      details: { path },
    });
  }
}
