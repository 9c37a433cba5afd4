/**
 * The frame of one gzip member (RFC 1952) as `.blb` uses it: fixed header, raw deflate, CRC-32 and
 * length. Made by hand, since zlib's own header carries the operating system and the level.
 */
import { constants, crc32, deflateRaw } from 'node:zlib';

/** FLG 0, MTIME 0, XFL 0, OS 255 (unknown). */
export const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
export const GZIP_TRAILER_BYTES = 8;
/** Header and trailer. */
export const GZIP_FRAME_BYTES = GZIP_HEADER.length + GZIP_TRAILER_BYTES;

/** Stated in full, so that a newer Node with other defaults makes the same bytes. */
export interface DeflateSettings {
  readonly level: number;
  readonly memLevel: number;
  readonly windowBits: number;
  readonly strategy?: number;
}

/** For files that stand alone: level 9 saves 0.4 % of Python sources and takes 4.5 times as long. */
export const DEFLATE: DeflateSettings = { level: 6, memLevel: 9, windowBits: 15 };
/** For shared members, of 128 KiB at most: what it takes is milliseconds, and tar headers shrink. */
export const DEFLATE_HARD: DeflateSettings = { ...DEFLATE, level: 9 };
/**
 * For the manifest and the checksums, which are hashes for the most part: chance matches among hex
 * digits cost more than they save, and codes made anew more often fit better. Measured: 2 to 5 %
 * of a manifest.
 */
export const DEFLATE_HASHES: DeflateSettings = {
  ...DEFLATE_HARD,
  memLevel: 5,
  strategy: constants.Z_FILTERED,
};
/** Stored blocks, for what does not shrink. */
export const STORE: DeflateSettings = { level: 0, memLevel: 9, windowBits: 15 };

export function gzipTrailer(crc: number, sizeBytes: number): Uint8Array {
  const trailer = new Uint8Array(GZIP_TRAILER_BYTES);
  const view = new DataView(trailer.buffer);
  view.setUint32(0, crc >>> 0, true);
  view.setUint32(4, sizeBytes % 2 ** 32, true);
  return trailer;
}

/** A whole member out of bytes in memory. */
export async function gzipMember(
  content: Uint8Array,
  settings: DeflateSettings,
): Promise<Uint8Array> {
  const body = await deflate(content, settings);
  return joinBytes([GZIP_HEADER, body, gzipTrailer(crc32(content), content.length)]);
}

function deflate(content: Uint8Array, settings: DeflateSettings): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    deflateRaw(content, settings, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
