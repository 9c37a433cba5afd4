/** The check of frames and of paths, as the agent's check-*.py parts compute it. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export type FrameCheck = 'crc32' | 'sha256' | 'fletcher';

/** 32 bits (fletcher: 16) over the bytes, begun with `start` (a nonce of 0..2^30-1, 0 for paths). */
export function frameCheck(kind: FrameCheck, bytes: Uint8Array, start: number): number {
  switch (kind) {
    case 'crc32':
      return crc32(bytes, start);
    case 'sha256': {
      const seed = Buffer.alloc(4);
      seed.writeUInt32BE(start);
      return createHash('sha256').update(seed).update(bytes).digest().readUInt32BE(0);
    }
    case 'fletcher': {
      let low = start % 255;
      let high = (start >>> 8) % 255;
      for (const byte of bytes) {
        low = (low + byte) % 255;
        high = (high + low) % 255;
      }
      return (high << 8) | low;
    }
  }
}
