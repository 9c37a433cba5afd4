/**
 * Contents that the board compresses (firmware-helpers/pack.py): the choice whether and how, and the
 * one deflate stream over all files as the parser of contents reads it. Frames stay compressed until
 * their turn comes, so the inflater never meets a gap.
 */
import type { TreeFile } from '../core/tree.js';
import type { AgentPart } from './agent-parts.js';
import type { ContentParser, PackState } from './content-parser.js';
import { helperPart, shortName } from './helper-source.js';
import { createInflater, type Inflater } from './inflate.js';
import type { PackShape } from './pack-shape.js';

/** What the encoder's source and its start cost, as bytes of payload that must be there to save. */
const WORTH_BYTES_MIN = 8 * 1024;
/** From here on the wire is as fast as any board compresses. */
const FAST_WIRE_BYTES_PER_SECOND = 50_000;
const SLOW_WIRE_BYTES_PER_SECOND = 5760;
const KILOBYTE = 1024;
const PLAIN_MARK = 0xff;
/** No block is open, no bits wait: where a stream begins. */
const FRESH: PackState = { bits: 0, held: 8 };
/** Names of what is compressed already. Only an estimate: any file may be anything. */
const DENSE = /\.(?:bin|jpe?g|png|gif|webp|ico|mp3|ogg|gz|tgz|zip|xz|zst|7z|blb|woff2?|der|p12)$/i;

/** Whether compressing these files is likely to save more than it costs, on a wire this fast at least. */
export function isWorthPacking(files: readonly TreeFile[], bytesPerSecond: number | null): boolean {
  if ((bytesPerSecond ?? 0) > FAST_WIRE_BYTES_PER_SECOND) return false;
  const bytes = files.reduce((sum, file) => sum + (DENSE.test(file.path) ? 0 : file.sizeBytes), 0);
  return bytes >= WORTH_BYTES_MIN;
}

/** Half of what a wire of this speed takes for a kilobyte. */
export function packLimitUs(bytesPerSecond: number | null): number {
  return Math.floor(
    (KILOBYTE / Math.max(SLOW_WIRE_BYTES_PER_SECOND, bytesPerSecond ?? 0) / 2) * 1e6,
  );
}

/** pack.py with the encoder as a text in it, to be used where a kilobyte takes it less than the limit. */
export function packPart(shape: PackShape, limitUs: number): AgentPart {
  const { ringBytes, slots, ways, checksum } = shape;
  const load = `${shortName('load_encoder')}("""${helperPart('deflate')}""",${ringBytes},${slots},${ways},${checksum},${limitUs})`;
  return { name: 'pack', source: `${helperPart('pack')}\n${load}` };
}

/** The job `run,(arguments)` with its stream compressed. */
export function packedCall(call: string, state: PackState = FRESH): string {
  return `${shortName('pack_job')},(${call},${state.bits},${state.held})`;
}

/** Takes a job's payloads in order and gives a parser what is in them. */
export class PackedStream {
  readonly #parser: ContentParser<unknown>;
  #inflater: Inflater | null = null;
  #begun = false;

  constructor(parser: ContentParser<unknown>) {
    this.#parser = parser;
  }

  /** False where the board sends plain contents after all; null until its first byte came. */
  get isPacked(): boolean | null {
    return this.#begun ? this.#inflater !== null : null;
  }

  /** Throws board/integrity (retryable) where the stream makes no sense. */
  take(payload: Uint8Array): void {
    let bytes = payload;
    if (!this.#begun) {
      this.#begun = true;
      const isPacked = payload[0] !== PLAIN_MARK;
      this.#parser.begin(isPacked, isPacked ? 0 : 1);
      if (isPacked) this.#inflater = createInflater(Number.POSITIVE_INFINITY);
      else bytes = payload.subarray(1);
    }
    if (this.#inflater === null) this.#parser.take(bytes);
    else this.#inflater.push(bytes, (plain) => this.#parser.take(plain));
  }
}
