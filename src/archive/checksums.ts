/** checksums.txt: what `sha256sum -c` reads. The first line is for manifest.json, then tar order. */
import { createHash } from 'node:crypto';
import type { TarLayout } from './tar-layout.js';
import { MANIFEST_NAME } from './tar-name.js';

/** The line for manifest.json. */
export function manifestLine(manifestSha256: string): string {
  return lineOf(manifestSha256, MANIFEST_NAME);
}

/** All other lines: one for every file of this tar. */
export function* fileLines(layout: TarLayout): Generator<string> {
  for (const { entry, tar } of layout.flat()) {
    if (!entry.isDirectory) yield lineOf(entry.checksum, tar.name);
  }
}

/** The manifest's integrityChecksum. */
export function integrityChecksumOf(layout: TarLayout): string {
  const hash = createHash('sha256');
  for (const line of fileLines(layout)) hash.update(line);
  return hash.digest('hex');
}

export function checksumsText(manifestSha256: string, layout: TarLayout): Uint8Array {
  return new TextEncoder().encode(manifestLine(manifestSha256) + [...fileLines(layout)].join(''));
}

function lineOf(sha256: string, name: string): string {
  return `${sha256}  ${name}\n`;
}
