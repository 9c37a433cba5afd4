/**
 * Fuzzing: archives that are bent in their bytes and in their structure, streams of frames and
 * recorded conversations that are damaged. A crash, more than a second, more than 64 MB, or one
 * wrong byte that is accepted is a failure, kept as a file to become a fixture.
 *
 * A minute by default; BELAY_FUZZ_SECONDS=3600 goes on, BELAY_SEED repeats.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readBlbFile, readBlbHead, validateBlb, verifyBlb } from '../../src/archive/blb-reader.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { GZIP_HEADER, gzipTrailer, joinBytes } from '../../src/archive/gzip-member.js';
import { readListedHead } from '../../src/archive/listed-head.js';
import { pathOfEntry } from '../../src/archive/manifest.js';
import { BelayError, isBelayError } from '../../src/core/errors.js';
import type { FrameCheck } from '../../src/device/frame-check.js';
import {
  encodeFrame,
  FRAME_PAYLOAD_BYTES,
  LONG_FRAME_PAYLOAD_BYTES,
} from '../../src/device/frames.js';
import { frameSource } from '../../src/device/text-frames.js';
import type { BytePort, PortReceiver } from '../../src/transport/byte-port.js';
import { ReplSession } from '../../src/transport/repl-session.js';
import { bytesOfLine, parseTranscript } from '../../src/transport/transcript.js';
import type { Apart, Bent, Lies } from '../support/archive-forging.js';
import { forge, takeApart, withChecksum } from '../support/archive-forging.js';
import { archiveOf, bytesOf, SMALL_CONTENT, sha256Of } from '../support/archive-making.js';
import { IdleClock } from '../support/idle-clock.js';
import { readByHand } from '../support/stock-reader.js';
import type { Dice } from './seed.js';
import { diceOf, seedFor } from './seed.js';

const SECONDS = Number(process.env.BELAY_FUZZ_SECONDS ?? 60);
const MS_MAX = 1_000;
const MORE_BYTES_MAX = 64 * 1024 * 1024;
const FOUND = join(tmpdir(), 'belay-fuzz-found');
const signal = new AbortController().signal;
const counts = {
  bytes: 0,
  structure: 0,
  accepted: 0,
  frames: 0,
  talks: 0,
  slowestMs: 0,
  moreBytes: 0,
};
const codes = new Map<string, number>();

afterAll(() => {
  const list = [...codes]
    .sort()
    .map(([code, times]) => `${code} ${times}`)
    .join(', ');
  console.log(
    `fuzz: ${counts.bytes} archives with bent bytes, ${counts.structure} with bent structure ` +
      `(${counts.accepted} of these accepted and right), ${counts.frames} frame streams, ${counts.talks} conversations; ` +
      `slowest ${Math.round(counts.slowestMs)} ms, at most ${Math.round(counts.moreBytes / 1048576)} MiB more memory; ${list}`,
  );
});

function keep(name: string, bytes: Uint8Array, why: string): never {
  mkdirSync(FOUND, { recursive: true });
  const path = join(FOUND, `${name}-${sha256Of(bytes).slice(0, 12)}.bin`);
  writeFileSync(path, bytes);
  throw new Error(`${why}; the input is kept as ${path}`);
}

/** A whole number of interesting size. */
function oddNumber(dice: Dice): number {
  return dice.pick([0, -1, 1, 255, 512, 2 ** 31, 2 ** 32 + 1, 2 ** 53, 1e300, 0.5, 8 ** 11]);
}

function oddText(dice: Dice): string {
  const odd = ['', '.', '..', '../x', '/etc/x', 'a//b', 'a\0b', '__proto__', 'x'.repeat(300)];
  return dice.pick([...odd, 'é', '\ud800', 'main.py', 'lib', 'lib/', '0'.repeat(64), 'ABCDEF']);
}

function oddValue(dice: Dice): unknown {
  const kind = dice.below(7);
  if (kind < 2) return oddNumber(dice);
  if (kind < 4) return oddText(dice);
  return dice.pick([null, true, [], {}, [[]], { a: 1 }]);
}

/** Changes one place of a JSON value, wherever it lies. */
function bendValue(dice: Dice, value: Bent, depth = 0): unknown {
  const isNode = typeof value === 'object' && value !== null;
  if (!isNode || (depth > 0 && dice.below(6) === 0)) return oddValue(dice);
  const keys = Object.keys(value);
  if (keys.length === 0) return oddValue(dice);
  const key = dice.pick(keys);
  const what = dice.below(12);
  if (what === 0) {
    if (Array.isArray(value)) value.splice(Number(key), 1);
    else delete value[key];
  } else if (what === 1 && Array.isArray(value)) value.push(structuredClone(value[Number(key)]));
  else if (what === 2 && Array.isArray(value)) value.reverse();
  else if (what === 3) value[dice.pick(keys)] = structuredClone(value[key]);
  else value[key] = bendValue(dice, value[key], depth + 1);
  return value;
}

function bendBytes(dice: Dice, original: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes: Uint8Array = original.slice();
  for (let times = 1 + dice.below(3); times > 0; times -= 1) {
    const at = dice.below(bytes.length + 1);
    const length = dice.below(dice.pick([2, 40, 600]));
    const [before, after] = [
      bytes.subarray(0, at),
      bytes.subarray(Math.min(bytes.length, at + length)),
    ];
    const kind = dice.below(8);
    if (kind < 3 && at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << dice.below(8));
    else if (kind === 3) bytes = joinBytes([before, after]);
    else if (kind === 4)
      bytes = joinBytes([
        before,
        Uint8Array.from({ length }, () => dice.below(256)),
        bytes.subarray(at),
      ]);
    else if (kind === 5) bytes = bytes.slice(0, at);
    else if (kind === 6)
      bytes = joinBytes([before, bytes.subarray(dice.below(at + 1), at), bytes.subarray(at)]);
    else bytes = joinBytes([before, other.subarray(dice.below(other.length))]);
    if (bytes.length === 0) bytes = new Uint8Array(1);
  }
  return bytes;
}

function liesOf(dice: Dice): Lies {
  const kind = dice.below(10);
  const refit = dice.below(2) === 0;
  if (kind < 5) {
    return {
      refit,
      manifest: (manifest) => {
        const bent = bendValue(dice, manifest);
        if (dice.below(3) === 0) bendValue(dice, bent);
        return bent;
      },
    };
  }
  if (kind < 7) {
    return {
      tar: (tar) => {
        for (let times = 1 + dice.below(3); times > 0; times -= 1)
          tar[dice.below(tar.length)] = dice.below(256);
        const header = 512 * dice.below(Math.floor(tar.length / 512));
        if (dice.below(2) === 0) withChecksum(tar.subarray(header, header + 512));
        return dice.below(6) === 0 ? tar.slice(0, 512 * dice.below(tar.length / 512 + 1)) : tar;
      },
    };
  }
  if (kind === 7) {
    const body = deflateRawSync(new Uint8Array(10_000_000), { level: 9 });
    return {
      member: () => joinBytes([GZIP_HEADER, body, gzipTrailer(dice.below(2 ** 31), oddSize(dice))]),
    };
  }
  if (kind === 8) return { member: (bytes) => bendBytes(dice, bytes, bytes) };
  return {
    checksums: (text) => {
      const lines = text.split('\n');
      const at = dice.below(lines.length);
      return [
        ...lines.slice(0, at),
        dice.pick([lines[0] as string, '', '\0', `${'0'.repeat(64)}  files/x`]),
        ...lines.slice(at + dice.below(2)),
      ].join('\n');
    },
  };
}

const oddSize = (dice: Dice) => dice.pick([0, 512, 10_000_000, 2 ** 32 - 1]);

/** Everything that opens an archive, with the limits on time and memory. */
async function open(bytes: Uint8Array): Promise<BelayError | null> {
  const source = byteSourceOf(bytes, 'fuzz.blb');
  const before = process.memoryUsage();
  const startedMs = performance.now();
  let refusal: BelayError | null = null;
  try {
    await verifyBlb(source, { signal });
  } catch (error) {
    if (!isBelayError(error))
      keep('crash', bytes, `not a refusal but ${String((error as Error).stack)}`);
    refusal = error;
  }
  const tookMs = performance.now() - startedMs;
  counts.slowestMs = Math.max(counts.slowestMs, tookMs);
  if (tookMs > MS_MAX) keep('slow', bytes, `took ${Math.round(tookMs)} ms`);
  const after = process.memoryUsage();
  const more = after.external + after.heapUsed - before.external - before.heapUsed;
  counts.moreBytes = Math.max(counts.moreBytes, more);
  if (more > MORE_BYTES_MAX) keep('memory', bytes, `took ${Math.round(more / 1048576)} MiB more`);
  for (const read of [
    readBlbHead,
    readListedHead,
    (each: typeof source) => validateBlb(each, { signal }),
  ]) {
    await read(source).catch((error: unknown) => {
      if (!isBelayError(error))
        keep('crash', bytes, `not a refusal but ${String((error as Error).stack)}`);
    });
  }
  if (refusal !== null) {
    codes.set(refusal.code, (codes.get(refusal.code) ?? 0) + 1);
    if (!/^(archive\/|store\/io)/.test(refusal.code))
      keep('code', bytes, `refused with ${refusal.code}`);
    if (/[\u0000-\u001f]/.test(refusal.message))
      keep('message', bytes, 'control characters in a message');
  }
  return refusal;
}

/** Accepted means: every file is what the list says, to us and to GNU tar. */
async function expectRight(bytes: Uint8Array): Promise<void> {
  const source = byteSourceOf(bytes, 'fuzz.blb');
  const head = await readBlbHead(source);
  for (const entry of head.manifest.files) {
    if ('error' in entry || entry.isDirectory || entry.member === undefined) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of readBlbFile(source, head, entry)) chunks.push(chunk);
    const content = joinBytes(chunks);
    if (sha256Of(content) !== entry.checksum || content.length !== entry.originalSize)
      keep('wrong', bytes, `${pathOfEntry(entry)} is not what the list says`);
  }
  try {
    readByHand(bytes);
  } catch (error) {
    keep('tar', bytes, `accepted by us and not by tar and sha256sum: ${(error as Error).message}`);
  }
}

const corpus = await (async () => {
  const golden = new URL('../../fixtures/archives/v1/', import.meta.url);
  const files = readdirSync(golden).filter(
    (name) => name.endsWith('.blb') && name !== 'full-stored.blb',
  );
  const own = [
    await archiveOf(SMALL_CONTENT),
    await archiveOf({
      'a.py': 'x = 1\n',
      lib: null,
      'lib/b.py': 'y\n',
      'big.bin': new Uint8Array(150_000),
    }),
    await archiveOf({ 'a.bin': bytesOf('z'.repeat(900)) }, {}, { compress: false }),
  ];
  return [...own, ...files.map((name) => new Uint8Array(readFileSync(new URL(name, golden))))];
})();

describe('fuzzing', () => {
  const seed = seedFor('fuzz');

  it('archives: nothing crashes, hangs, fills memory, or is accepted wrong', async () => {
    const dice = diceOf(seed);
    const apart: Apart[] = [];
    for (const archive of corpus) apart.push(await takeApart(archive));
    const hashes = new Set(corpus.map(sha256Of));
    for (const until = performance.now() + SECONDS * 600; performance.now() < until; ) {
      if (dice.below(2) === 0) {
        const bytes = bendBytes(dice, dice.pick(corpus), dice.pick(corpus));
        counts.bytes += 1;
        if ((await open(bytes)) === null && !hashes.has(sha256Of(bytes)))
          keep('accepted', bytes, 'bent bytes were accepted');
        continue;
      }
      let bytes: Uint8Array;
      try {
        bytes = await forge(dice.pick(apart), liesOf(dice));
      } catch {
        // The lie cannot even be written down (a member that is not there, a name no tar can hold).
        continue;
      }
      counts.structure += 1;
      if ((await open(bytes)) !== null) continue;
      counts.accepted += 1;
      await expectRight(bytes);
    }
    expect(counts.bytes).toBeGreaterThan(100);
  });

  it('frames: what comes out went in, whatever happened between', () => {
    const dice = diceOf(seed + 1);
    for (const until = performance.now() + SECONDS * 200; performance.now() < until; ) {
      const check = dice.pick<FrameCheck>(['crc32', 'sha256']);
      const nonce = dice.below(2 ** 30);
      const payloadBytes = dice.pick([FRAME_PAYLOAD_BYTES, LONG_FRAME_PAYLOAD_BYTES, 240]);
      const format = { check, nonce, payloadBytes };
      const sent = new Set<string>();
      const parts: Uint8Array[] = [];
      for (let sequence = 0; sequence < 12; sequence += 1) {
        const most = format.payloadBytes;
        const length = dice.pick([0, 1, 40, most, dice.below(most)]);
        const payload = Uint8Array.from({ length }, () =>
          dice.pick([0xc1, 0xbe, 0xf0, 4, 10, dice.below(256)]),
        );
        const kind = dice.pick(['data', 'busy', 'hello', 'end'] as const);
        sent.add(`${kind} ${sequence} ${sha256Of(payload)}`);
        parts.push(encodeFrame(format, kind, sequence, payload));
        if (dice.below(4) === 0) parts.push(bytesOf('temperature 21.5\r\n'));
        // A frame of an earlier exec.
        if (dice.below(6) === 0)
          parts.push(
            encodeFrame({ ...format, nonce: nonce ^ 1 }, 'data', sequence, bytesOf('old')),
          );
      }
      const clean = joinBytes(parts);
      const stream = dice.below(8) === 0 ? clean : bendBytes(dice, clean, clean);
      const source = frameSource('raw', format);
      let whole = 0;
      const take = (frame: { kind: string; sequence: number; payload: Uint8Array }) => {
        whole += 1;
        if (!sent.has(`${frame.kind} ${frame.sequence} ${sha256Of(frame.payload)}`))
          keep('frame', stream, `a frame that nobody sent: ${frame.kind} ${frame.sequence}`);
        return true;
      };
      const startedMs = performance.now();
      for (let at = 0; at < stream.length; ) {
        const size = dice.pick([1, 7, 64, 5_000]);
        source.push(stream.subarray(at, at + size), take);
        at += size;
        if (source.pendingBytes > 2 * LONG_FRAME_PAYLOAD_BYTES)
          keep('pending', stream, 'bytes are held without end');
      }
      source.flush(take);
      if (performance.now() - startedMs > MS_MAX)
        keep('slow-frames', stream, 'took more than a second');
      if (stream === clean) expect(whole).toBe(12);
      counts.frames += 1;
    }
    expect(counts.frames).toBeGreaterThan(100);
  });

  it('conversations: each call ends, with a result or a BelayError, within its limit', async () => {
    const dice = diceOf(seed + 2);
    const folder = new URL('../../fixtures/transcripts/', import.meta.url);
    const talks = readdirSync(folder).map((name) =>
      parseTranscript(readFileSync(new URL(name, folder), 'utf8'))
        .filter((line) => line.dir === 'in')
        .flatMap((line) => bytesOfLine(line) ?? []),
    );
    for (const until = performance.now() + SECONDS * 200; performance.now() < until; ) {
      const answers = dice
        .pick(talks)
        .map((bytes) =>
          dice.below(3) === 0 ? bendBytes(dice, bytes, dice.pick(dice.pick(talks))) : bytes,
        );
      await talk(answers, dice);
      counts.talks += 1;
    }
    expect(counts.talks).toBeGreaterThan(20);
  });
});

/** Says the next thing whenever it is spoken to, whatever it was told. */
class Parrot implements BytePort {
  readonly name = 'parrot';
  readonly usb = null;
  readonly #clock: IdleClock;
  readonly #answers: Uint8Array[];
  #receiver: PortReceiver | null = null;
  #gone = false;

  constructor(clock: IdleClock, answers: readonly Uint8Array[]) {
    this.#clock = clock;
    this.#answers = [...answers];
  }

  setReceiver(receiver: PortReceiver): void {
    this.#receiver = receiver;
  }

  async write(): Promise<void> {
    if (this.#gone) throw new BelayError('port/lost', 'parrot: gone');
    const answer = this.#answers.shift();
    if (answer !== undefined)
      this.#clock.after(2, () => !this.#gone && this.#receiver?.data(answer));
  }

  async setBaud(): Promise<void> {}

  async setSignals(): Promise<void> {}

  async close(): Promise<void> {
    this.#gone = true;
  }
}

async function talk(answers: readonly Uint8Array[], dice: Dice): Promise<void> {
  const clock = new IdleClock();
  const session = new ReplSession(new Parrot(clock, answers), clock);
  const startedMs = performance.now();
  const calls = [
    () => session.enterRaw({ signal }),
    () => session.exec('print(1)', { timeoutMs: 2_000, signal }),
    () => session.softReset({ signal }),
    () => session.exec(new Uint8Array(dice.below(3_000)).fill(0x61), { timeoutMs: 2_000, signal }),
    () => session.exitRaw(),
  ];
  for (const call of calls) {
    try {
      await call();
    } catch (error) {
      if (!isBelayError(error))
        keep('talk', joinBytes([...answers]), `a call threw ${String((error as Error).stack)}`);
    }
  }
  if (clock.monotonicMs() > 300_000)
    keep('talk-long', joinBytes([...answers]), 'the board was waited for without end');
  if (performance.now() - startedMs > MS_MAX)
    keep('talk-slow', joinBytes([...answers]), 'took more than a second');
}
