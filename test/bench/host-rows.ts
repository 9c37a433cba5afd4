/**
 * What this computer can take: frames from memory through decoder, inflater, hashes and archive, as
 * they come from a board. The bytes are made once and repeated: sequence numbers have eleven bits,
 * so 2,048 frames of a deflate stream that forgets its window follow each other for ever.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, deflateRawSync } from 'node:zlib';
import type { TreeFile } from '../../src/core/tree.js';
import { Agent } from '../../src/device/agent.js';
import { encodeFrame, FRAME_PAYLOAD_BYTES, SEQUENCE_MODULO } from '../../src/device/frames.js';
import { packShape } from '../../src/device/pack-shape.js';
import { markOf, readFiles } from '../../src/device/read-files.js';
import { FileIntake } from '../../src/jobs/file-intake.js';
import type { ReplSession, StreamConsumer } from '../../src/transport/repl-session.js';
import { openStore } from '../../src/wiring.js';
import type { ChainRow } from './chain-rows.js';
import { seededRandom } from './corpus-random.js';
import { projectVocabulary, pythonText } from './corpus-text.js';

const FORMAT = { check: 'crc32', nonce: 1, payloadBytes: FRAME_PAYLOAD_BYTES } as const;
const PATH = 'big.py';
const READ_BYTES = 64 * 1024;
const CYCLE_BYTES = SEQUENCE_MODULO * FRAME_PAYLOAD_BYTES;
/** What may wait between decoder and archive before the source waits too. */
const AHEAD_BYTES_MAX = 8 * 1024 * 1024;
const MEGABYTE = 1_000_000;
const signal = new AbortController().signal;

interface Source {
  readonly file: TreeFile;
  readonly head: Uint8Array;
  readonly cycle: Uint8Array;
  readonly cycles: number;
  readonly tail: Uint8Array;
}

/** A stored block of deflate. */
function stored(data: Uint8Array, isLast = false): Uint8Array {
  const block = Buffer.alloc(5);
  block[0] = isLast ? 1 : 0;
  block.writeUInt16LE(data.length, 1);
  block.writeUInt16LE(data.length ^ 0xffff, 3);
  return Buffer.concat([block, data]);
}

function numberBytes(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

function frames(payload: Uint8Array, first: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += FRAME_PAYLOAD_BYTES) {
    const part = payload.subarray(at, at + FRAME_PAYLOAD_BYTES);
    parts.push(encodeFrame(FORMAT, 'data', (first + parts.length) % SEQUENCE_MODULO, part));
  }
  return Buffer.concat(parts);
}

/** One file whose content is about `sizeBytes` of Python text, compressed or not, in frames. */
function sourceOf(agent: Agent, sizeBytes: number, packed: boolean): Source {
  const random = seededRandom(9);
  const vocabulary = projectVocabulary(random);
  const text = Buffer.from(pythonText(random, 2_000_000, vocabulary));
  const pieces: { readonly plain: Uint8Array; readonly wire: Uint8Array }[] = [];
  let left = CYCLE_BYTES;
  while (packed && left > 65_000) {
    // Every piece another part of the text, so that it is not one window's worth again and again.
    const plain = text.subarray((pieces.length * 37_000) % 1_900_000).subarray(0, 90_000);
    const wire = deflateRawSync(plain, { level: 9, finishFlush: constants.Z_FULL_FLUSH });
    if (wire.length > left - 6) break;
    pieces.push({ plain, wire });
    left -= wire.length;
  }
  while (left > 0) {
    const plain = packed ? random.bytes(Math.min(left - 5, 60_000)) : text.subarray(0, left);
    const wire = packed ? stored(plain) : plain;
    pieces.push({ plain, wire });
    left -= wire.length;
  }
  const plain = Buffer.concat(pieces.map((piece) => piece.plain));
  const cycles = Math.ceil(sizeBytes / plain.length);
  const mark = Buffer.alloc(3);
  mark.writeUIntBE(markOf(agent, PATH), 0, 3);
  const record = (fill: number) => {
    const size = plain.length * cycles + fill;
    return Buffer.from([...(packed ? [100, 0, 0, 8] : []), ...numberBytes(size + 2), ...mark]);
  };
  const headBytes = FRAME_PAYLOAD_BYTES - (packed ? 5 : 0);
  const filler = text.subarray(0, headBytes - record(1000).length);
  const hash = createHash('sha256').update(filler);
  for (let index = 0; index < cycles; index += 1) hash.update(plain);
  const tail = Buffer.from([0, ...hash.digest(), 0]);
  const start = Buffer.concat([record(filler.length), filler]);
  const file: TreeFile = {
    kind: 'file',
    path: PATH,
    sizeBytes: plain.length * cycles + filler.length,
    modifiedS: null,
    sha256: null,
  };
  const cycle = Buffer.concat(pieces.map((piece) => piece.wire));
  return {
    file,
    cycles,
    head: frames(packed ? stored(start) : start, 0),
    cycle: frames(cycle, 1),
    tail: Buffer.concat([
      frames(packed ? stored(tail, true) : tail, 1),
      ...[1, 0].map((byte) =>
        encodeFrame(
          FORMAT,
          'end',
          (2 + cycles * SEQUENCE_MODULO) % SEQUENCE_MODULO,
          Uint8Array.of(byte),
        ),
      ),
    ]),
  };
}

class Pipe {
  source: Source | null = null;
  /** Content handed on and content that the archive has taken, in bytes of frames. */
  fed = 0;
  takenBytes = 0;
  plainPerByte = 1;
  readonly bytesPerSecondMin = 11_520;

  async stream(_source: unknown, consumer: StreamConsumer): Promise<void> {
    const { head, cycle, cycles, tail } = this.source as Source;
    consumer.push(encodeFrame(FORMAT, 'hello', 0, new Uint8Array(0)));
    consumer.push(head);
    for (let round = 0; round < cycles; round += 1) {
      for (let at = 0; at < cycle.length; at += READ_BYTES) {
        const bytes = cycle.subarray(at, at + READ_BYTES);
        consumer.push(bytes);
        this.fed += bytes.length * this.plainPerByte;
        do await new Promise((resolve) => setImmediate(resolve));
        while (this.fed - this.takenBytes > AHEAD_BYTES_MAX);
      }
    }
    const { done } = consumer.push(tail);
    if (!done) throw new Error('the stream did not end');
  }
}

interface Passed {
  readonly seconds: number;
  readonly plainBytes: number;
  readonly frameBytes: number;
  /** Growth of the process from a quarter of the way to the end. */
  readonly grownBytes: number;
}

async function pass(folder: string, sizeBytes: number, packed: boolean): Promise<Passed> {
  const pipe = new Pipe();
  const rungs = { output: 'raw', check: 'crc32', hash: 'sha256', listing: 'ilistdir' } as const;
  const agent = new Agent(pipe as unknown as ReplSession, rungs, () => '00000001');
  agent.packShape = packed ? packShape(200_000) : null;
  const source = sourceOf(agent, sizeBytes, packed);
  const frameBytes = source.cycle.length * source.cycles;
  pipe.source = source;
  pipe.plainPerByte = source.file.sizeBytes / frameBytes;
  const store = openStore(folder);
  const board = await store.boardFolderFor({ uniqueKey: 'bench', name: 'bench' });
  const archive = await store.create(board, 'backup', { compress: true });
  try {
    const intake = new FileIntake(archive.writer, {
      holder: () => null,
      copies: new Map(),
      onBytes: () => {},
      onFile: () => {},
    });
    let early = 0;
    const start = performance.now();
    for await (const event of readFiles(agent, null, [source.file], { compress: packed, signal })) {
      await intake.take(event);
      if (event.kind !== 'data') continue;
      pipe.takenBytes += event.bytes.length;
      if (early === 0 && pipe.takenBytes > sizeBytes / 4) early = process.memoryUsage().rss;
    }
    const seconds = (performance.now() - start) / 1000;
    if (!intake.done.has(PATH)) throw new Error('the file did not arrive');
    return {
      seconds,
      plainBytes: source.file.sizeBytes,
      frameBytes,
      grownBytes: process.memoryUsage().rss - early,
    };
  } finally {
    await archive.abort();
  }
}

/** Throughput is content per second; on a fast board it is what leaves the inflater. */
export async function hostRows(sizeBytes = 1000 * MEGABYTE): Promise<ChainRow[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'belay-bench-host-'));
  try {
    const plain = await pass(join(scratch, 'plain'), sizeBytes / 5, false);
    const packed = await pass(join(scratch, 'packed'), sizeBytes, true);
    const row = (
      name: string,
      value: number,
      unit: string,
      goal: number | null,
      met: boolean | null,
    ): ChainRow => ({ name, value, unit, goal, met });
    const speed = (passed: Passed) => passed.plainBytes / passed.seconds / MEGABYTE;
    return [
      row('frames in memory, plain, to the archive', speed(plain), 'MB/s', 40, speed(plain) >= 40),
      row(
        'frames in memory, compressed, to the archive',
        speed(packed),
        'MB/s',
        40,
        speed(packed) >= 40,
      ),
      row(
        'the same, counted in frames',
        packed.frameBytes / packed.seconds / MEGABYTE,
        'MB/s',
        null,
        null,
      ),
      row(
        'growth of memory over the last 750 MB of 1 GB',
        packed.grownBytes / MEGABYTE,
        'MB',
        32,
        packed.grownBytes <= 32 * MEGABYTE,
      ),
    ];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
