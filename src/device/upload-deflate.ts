/** The whole upload as one raw deflate stream, with the window that the board's inflater can afford. */
import { createDeflateRaw } from 'node:zlib';
import type { UploadRungs } from './identity.js';

const WINDOW_BITS_MAX = 15;
const WINDOW_BITS_MIN = 9;
/** The window takes its share of what is free in one piece; frames, files and the agent need room. */
const FREE_PER_WINDOW = 4;

/** 2^bits bytes of window for the board's inflater, `less` bits below what fits; 0 for none. */
export function windowBitsFor(
  rungs: Pick<UploadRungs, 'inflate' | 'freeMemoryBytes'>,
  less = 0,
): number {
  const free = rungs.freeMemoryBytes ?? 0;
  if (rungs.inflate === null || free < 24 * 1024) return 0;
  const bits = Math.min(WINDOW_BITS_MAX, Math.floor(Math.log2(free / FREE_PER_WINDOW))) - less;
  return bits < WINDOW_BITS_MIN ? 0 : bits;
}

const GATHER_BYTES = 4000;
/** zlib's default: shorter blocks, whose codes fit files of different kinds better (0.7 % less than 9). */
const MEMORY_LEVEL = 8;

/** Many small pieces as few larger ones, so that frames are full. */
export async function* gathered(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of parts) {
    held.push(part);
    bytes += part.length;
    if (bytes < GATHER_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

export async function* deflated(
  parts: AsyncIterable<Uint8Array>,
  windowBits: number,
): AsyncGenerator<Uint8Array> {
  const deflate = createDeflateRaw({ level: 9, windowBits, memLevel: MEMORY_LEVEL });
  const out: Uint8Array[] = [];
  deflate.on('data', (chunk: Uint8Array) => out.push(chunk));
  try {
    for await (const part of gathered(parts)) {
      await new Promise<void>((resolve, reject) =>
        deflate.write(part, (error) => (error ? reject(error) : resolve())),
      );
      if (out.length > 0) yield Buffer.concat(out.splice(0));
    }
    await new Promise<void>((resolve, reject) => {
      deflate.once('end', resolve).once('error', reject);
      deflate.end();
    });
    if (out.length > 0) yield Buffer.concat(out.splice(0));
  } finally {
    deflate.destroy();
  }
}
