/** The digest that the board folds over contents, by what it can hash (frames of read.py). */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { AgentRungs } from './agent.js';
import type { ContentFormat } from './content-parser.js';

export function contentFormat({ hash }: Pick<AgentRungs, 'hash'>): ContentFormat {
  if (hash === 'none')
    return {
      digestBytes: 0,
      newDigest: () => ({ update: () => {}, digest: () => new Uint8Array(0) }),
    };
  if (hash === 'crc32') return { digestBytes: 4, newDigest: crcDigest };
  return {
    digestBytes: 32,
    newDigest: () => {
      const hasher = createHash('sha256');
      return { update: (bytes) => void hasher.update(bytes), digest: () => hasher.digest() };
    },
  };
}

function crcDigest(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  let value = 0;
  return {
    update: (bytes) => {
      value = crc32(bytes, value);
    },
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
  };
}
