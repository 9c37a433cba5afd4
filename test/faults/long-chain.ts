/** A chain that is longer than any sane one, made without a board. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManifestDraft } from '../../src/archive/blb-writer.js';
import { BlbWriter } from '../../src/archive/blb-writer.js';
import { MemorySpool } from '../../src/archive/spool.js';
import { stateHash } from '../../src/archive/state-hash.js';
import { bytesOf, draftOf, finished, newFile, sha256Of } from '../support/archive-making.js';

const FILES = 20;

/** Each increment changes one of twenty files. Gives the tip. */
export async function thousandIncrements(
  folder: string,
  count: number,
): Promise<{ readonly backupId: string; readonly fileCount: number }> {
  const content = new Map<string, { text: string; in: string }>();
  let parent: ManifestDraft['parent'] = null;
  let backupId = '';
  for (let at = 0; at <= count; at += 1) {
    backupId = at.toString(16).padStart(32, '0');
    for (let file = 0; file < FILES; file += 1) {
      if (at > 0 && file !== at % FILES) continue;
      content.set(`file-${String(file).padStart(2, '0')}.txt`, {
        text: `${at} ${file}\n`,
        in: backupId,
      });
    }
    const spool = new MemorySpool();
    const writer = new BlbWriter(spool, { compress: true });
    for (const [path, { text, in: holder }] of content) {
      const bytes = bytesOf(text);
      if (holder === backupId) await writer.addFile(newFile(path, bytes), bytes);
      else writer.addReference(newFile(path, bytes), holder);
    }
    const createdAt = new Date(Date.UTC(2026, 0, 1) + at * 60_000).toISOString();
    const backupType = at === 0 ? 'full' : 'incremental';
    const draft = draftOf({ backupId, backupType, sequence: at + 1, createdAt, parent });
    const bytes = await finished(writer, spool, draft);
    writeFileSync(join(folder, `${backupId}.blb`), bytes);
    parent = { backupId, stateHash: stateHashOf(content) };
  }
  return { backupId, fileCount: FILES };
}

function stateHashOf(content: ReadonlyMap<string, { readonly text: string }>): string {
  return stateHash(
    [...content].map(([path, { text }]) => ({
      kind: 'f' as const,
      path,
      sizeBytes: text.length,
      sha256: sha256Of(bytesOf(text)),
    })),
  );
}
