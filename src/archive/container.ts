/**
 * Packs the tar of one member with tar-stream. Its packer wants to end every tar with two zero
 * blocks, which a `.blb` has only once, in its end member: so a pack is never finalized here; what
 * it must yield is known beforehand from tar-header.ts, and is counted.
 */
import { Buffer } from 'node:buffer';
import type { Header, Pack } from 'tar-stream';
import { extract, pack } from 'tar-stream';
import { joinBytes } from './gzip-member.js';
import type { TarEntry } from './tar-header.js';
import { needsPax, tarHeaderBytesOf, tarSizeOf } from './tar-header.js';

/** The tar bytes of entries that are in memory, without end blocks. */
export async function packEntries(
  entries: readonly { readonly tar: TarEntry; readonly bytes: Uint8Array }[],
): Promise<Uint8Array> {
  const output = new PackOutput(pack());
  const parts: Uint8Array[] = [];
  for (const { tar, bytes } of entries) {
    output.pack.entry(headersOf(tar), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    parts.push(...(await output.take(tarSizeOf(tar))));
  }
  output.close();
  return joinBytes(parts);
}

/** One entry whose content comes in pieces. What each call returns is the next piece of the tar. */
export class EntryPacker {
  readonly #output = new PackOutput(pack());
  readonly #sink: NodeJS.WritableStream;
  readonly #tar: TarEntry;
  #writtenBytes = 0;
  #headerBytes: number;

  constructor(tar: TarEntry) {
    this.#tar = tar;
    this.#headerBytes = tarHeaderBytesOf(tar.name);
    this.#sink = this.#output.pack.entry(headersOf(tar));
    // The same error arrives at the pack, where `take` meets it.
    this.#sink.on('error', () => {});
  }

  /** The caller sees to it that no more than `sizeBytes` are written in all. */
  async write(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    if (bytes.length === 0) return [];
    this.#writtenBytes += bytes.length;
    this.#sink.write(bytes);
    const wanted = bytes.length + this.#headerBytes;
    this.#headerBytes = 0;
    return this.#output.take(wanted);
  }

  /** The padding. All of the content must have been written. */
  async end(): Promise<readonly Uint8Array[]> {
    this.#sink.end();
    const { name } = this.#tar;
    const before = tarHeaderBytesOf(name) - this.#headerBytes + this.#writtenBytes;
    const rest = await this.#output.take(tarSizeOf(this.#tar) - before);
    this.#output.close();
    return rest;
  }

  abort(): void {
    this.#output.close();
  }
}

/** Gathers what a pack yields and waits for a known number of bytes. */
class PackOutput {
  readonly pack: Pack;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #failure: Error | null = null;
  #waiting: { readonly bytes: number; readonly wake: () => void } | null = null;

  constructor(source: Pack) {
    this.pack = source;
    source.on('data', (data) => {
      const chunk = data as Uint8Array;
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      if (this.#waiting !== null && this.#bytes >= this.#waiting.bytes) this.#waiting.wake();
    });
    source.on('error', (error) => {
      this.#failure = error;
      this.#waiting?.wake();
    });
  }

  async take(bytes: number): Promise<readonly Uint8Array[]> {
    if (this.#bytes < bytes && this.#failure === null) {
      await new Promise<void>((wake) => {
        this.#waiting = { bytes, wake };
      });
      this.#waiting = null;
    }
    if (this.#failure !== null) throw this.#failure;
    const taken = this.#chunks;
    this.#chunks = [];
    this.#bytes -= bytes;
    return taken;
  }

  close(): void {
    this.pack.destroy();
  }
}

/** Everything is stated, since tar-stream fills gaps with the present time and its own modes. */
function headersOf(tar: TarEntry): Partial<Header> & { name: string } {
  const headers: Partial<Header> & { name: string } = {
    name: tar.name,
    type: tar.isFolder ? 'directory' : 'file',
    size: tar.sizeBytes,
    mode: tar.isFolder ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtime: new Date(tar.mtimeS * 1000),
  };
  // An empty record makes tar-stream write the extended header with nothing but the path.
  if (needsPax(tar.name)) headers.pax = {};
  return headers;
}

/** One entry of a tar that somebody else made. Its content is read to the end before the next one. */
export interface ForeignTarEntry {
  readonly name: string;
  /** As tar-stream calls them: `file`, `directory`, `symlink`, …, and `unknown`. */
  readonly type: string;
  readonly sizeBytes: number;
  readonly modifiedS: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Entries in their order. Nothing of them is trusted; errors are tar-stream's own. */
export async function* entriesOfTar(
  source: NodeJS.ReadableStream,
): AsyncGenerator<ForeignTarEntry> {
  const reader = extract();
  source.on('error', (error) => reader.destroy(error));
  source.pipe(reader);
  for await (const entry of reader) {
    // What is read has all of these, whatever the types of what is written say.
    const { name, type, size, mtime } = entry.header as Required<Header>;
    yield {
      name,
      type: type ?? 'unknown',
      sizeBytes: size,
      modifiedS: Math.floor(mtime.getTime() / 1000),
      content: entry as unknown as AsyncIterable<Uint8Array>,
    };
    // An unread entry would stall the rest for ever.
    entry.resume();
  }
}
