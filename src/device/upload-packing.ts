/**
 * The whole upload as one stream: raw deflate where the board can inflate, tokens that plain Python
 * reads where it cannot and there is something to gain, with a window that its memory can afford.
 */
import { deflateRawSync } from 'node:zlib';
import { Deflater } from '../deflate/deflater.js';
import type { UploadRungs } from './identity.js';
import type { PutOperation } from './upload-digests.js';
import { lzBlocks } from './upload-lz.js';

const WINDOW_BITS_MAX = 15;
const WINDOW_BITS_MIN = 9;
/** The window takes its share of what is free in one piece; frames, files and the agent need room. */
const FREE_PER_WINDOW = 4;

export interface Packing {
  /** Which part of the agent unpacks it (firmware-helpers/inflate-*.py). */
  readonly kind: 'deflate' | 'zlib' | 'lz' | 'none';
  /** 2^bits bytes of window; 0 for none. */
  readonly windowBits: number;
}

const PLAIN: Packing = { kind: 'none', windowBits: 0 };

/** What each way must save at least: the part that reads it goes up as well, tokens' as text. */
const SAVED_BYTES_MIN = { inflate: 100, tokens: 1000 } as const;

/** For about so many bytes that it saves, with a window `less` bits below what fits. */
export function packingFor(
  rungs: Pick<UploadRungs, 'inflate' | 'freeMemoryBytes'>,
  less: number,
  savedBytes: number,
): Packing {
  const free = rungs.freeMemoryBytes ?? 0;
  const wanted = SAVED_BYTES_MIN[rungs.inflate === null ? 'tokens' : 'inflate'];
  if (free < 24 * 1024 || savedBytes < wanted) return PLAIN;
  const bits = Math.min(WINDOW_BITS_MAX, Math.floor(Math.log2(free / FREE_PER_WINDOW))) - less;
  return bits < WINDOW_BITS_MIN ? PLAIN : { kind: rungs.inflate ?? 'lz', windowBits: bits };
}

const SAMPLES_MAX = 12;
const SAMPLE_BYTES = 4096;

/** What packing would save, by samples of what goes up and zlib's fastest. */
export async function bytesSaved(puts: readonly PutOperation[]): Promise<number> {
  const stride = Math.ceil(puts.length / SAMPLES_MAX);
  const samples: Uint8Array[] = [];
  for (let at = 0; at < puts.length; at += stride) {
    for await (const bytes of (puts[at] as PutOperation).content()) {
      samples.push(bytes.subarray(0, SAMPLE_BYTES));
      break;
    }
  }
  const sample = Buffer.concat(samples);
  const total = puts.reduce((sum, put) => sum + put.sizeBytes, 0);
  if (total === 0) return 0;
  const share = 1 - deflateRawSync(sample, { level: 1 }).length / sample.length;
  return Math.round(total * share);
}

/** The stream as it goes up. */
export function packed(
  parts: AsyncIterable<Uint8Array>,
  { kind, windowBits }: Packing,
): AsyncGenerator<Uint8Array> {
  if (kind === 'none') return gathered(parts, GATHER_BYTES);
  return kind === 'lz' ? tokens(parts, 1 << windowBits) : deflated(parts, windowBits);
}

const GATHER_BYTES = 4000;
/** What is looked at together: longer is hardly better, and holds up what the wire waits for. */
const TOKENS_BYTES = 2000;

/** Many small pieces as few larger ones, so that frames are full. */
async function* gathered(
  parts: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of parts) {
    held.push(part);
    bytes += part.length;
    if (bytes < sizeBytes) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

async function* tokens(
  parts: AsyncIterable<Uint8Array>,
  windowBytes: number,
): AsyncGenerator<Uint8Array> {
  let history: Uint8Array = new Uint8Array(0);
  async function* blocks(): AsyncGenerator<Uint8Array> {
    for await (const part of gathered(parts, TOKENS_BYTES)) {
      for (let at = 0; at < part.length; at += TOKENS_BYTES) {
        const bytes = part.subarray(at, at + TOKENS_BYTES);
        yield lzBlocks(history, bytes, windowBytes);
        const made = Buffer.concat([history, bytes]);
        history = made.subarray(Math.max(0, made.length - windowBytes));
      }
    }
  }
  yield* gathered(blocks(), GATHER_BYTES);
}

/** Between two pieces the wire has its turn: each takes some milliseconds. */
const turnOfOthers = () => new Promise<void>((resolve) => setImmediate(resolve));

async function* deflated(
  parts: AsyncIterable<Uint8Array>,
  windowBits: number,
): AsyncGenerator<Uint8Array> {
  const deflater = new Deflater(windowBits);
  for await (const part of gathered(parts, GATHER_BYTES)) {
    const made = deflater.push(part);
    if (made.length > 0) yield made;
    await turnOfOthers();
  }
  yield deflater.end();
}
