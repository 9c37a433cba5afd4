/**
 * An archive of one small file, made and verified in memory, while a board is still being read: what
 * no reader would accept of a draft is refused before the minutes that reading takes, and the code
 * of a commit has run once when everybody waits for it (the first time it takes 15 ms longer).
 */
import { createHash } from 'node:crypto';
import type { ManifestDraft } from './blb-parts.js';
import { joinParts } from './blb-parts.js';
import { verifyBlb } from './blb-reader.js';
import { BlbWriter } from './blb-writer.js';
import { byteSourceOf } from './byte-source.js';
import { joinBytes } from './gzip-member.js';
import { MemorySpool } from './spool.js';

const CONTENT = new TextEncoder().encode('rehearsal');

/** Throws what finishing an archive with this draft would throw: archive/limit, archive/manifest. */
export async function rehearse(
  draft: ManifestDraft,
  options: { readonly compress: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const spool = new MemorySpool();
  const writer = new BlbWriter(spool, options);
  const start = { path: 'rehearsal', sizeBytes: CONTENT.length, modifiedS: null };
  const file = writer.beginFile(start);
  await file.write(CONTENT);
  const sha256 = createHash('sha256').update(CONTENT).digest('hex');
  await file.end({ ...start, sha256, checkedBy: 'read' });
  const pieces: Uint8Array[] = [];
  for await (const bytes of joinParts(await writer.finish(draft), spool)) pieces.push(bytes);
  await verifyBlb(byteSourceOf(joinBytes(pieces), 'a rehearsal'), { signal: options.signal });
}
