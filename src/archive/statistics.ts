/** The numbers of a manifest that follow from its lists. FORMAT.md, "statistics". */
import type { Manifest } from './manifest.js';

export type DerivedStatistics = Omit<Manifest['statistics'], 'backupDurationMs'>;

export function statisticsOf(manifest: Pick<Manifest, 'files' | 'members'>): DerivedStatistics {
  let fileCount = 0;
  let directoryCount = 0;
  let totalOriginalSize = 0;
  for (const entry of manifest.files) {
    if ('error' in entry) continue;
    if (entry.isDirectory) directoryCount += 1;
    else {
      fileCount += 1;
      totalOriginalSize += entry.originalSize;
    }
  }
  const totalCompressedSize = manifest.members.reduce(
    (sum, member) => sum + member.compressedSize,
    0,
  );
  return {
    fileCount,
    directoryCount,
    totalOriginalSize,
    totalCompressedSize,
    compressionRatio: ratioOf(totalCompressedSize, totalOriginalSize),
  };
}

/** Four decimals; 1 where there is nothing to compress. */
function ratioOf(compressed: number, original: number): number {
  return original === 0 ? 1 : Math.round((compressed / original) * 10_000) / 10_000;
}
