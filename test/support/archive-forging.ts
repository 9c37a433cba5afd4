/**
 * Takes an honest archive apart and puts it together again with lies in it: everything that a
 * hostile author can make consistent (frames, CRCs, the end member's hashes) is made consistent, so
 * that a test meets the one check that it is about.
 */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { readBlbHead } from '../../src/archive/blb-reader.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { checksumsText, integrityChecksumOf } from '../../src/archive/checksums.js';
import { endMember } from '../../src/archive/end-member.js';
import { DEFLATE, gzipMember, joinBytes } from '../../src/archive/gzip-member.js';
import type { Manifest } from '../../src/archive/manifest.js';
import { encodeManifest } from '../../src/archive/manifest-codec.js';
import { stateHash, stateRecordsOf } from '../../src/archive/state-hash.js';
import { statisticsOf } from '../../src/archive/statistics.js';
import { paddingOf, tarHeader } from '../../src/archive/tar-header.js';
import { layoutOfManifest, tarLayoutOf } from '../../src/archive/tar-layout.js';
import { sha256Of } from './archive-making.js';

/** The manifest as plain data that a test may bend. */
// biome-ignore lint/suspicious/noExplicitAny: lies have no type
export type Bent = any;

export interface Lies {
  /** Bends the manifest; returns bytes, or a value that is encoded canonically, or nothing. */
  readonly manifest?: (manifest: Bent) => unknown;
  /** Derived fields are made to fit the bent manifest again (default true). */
  readonly refit?: boolean;
  /** Bends the tar of a data member. */
  readonly tar?: (tar: Uint8Array, member: number) => Uint8Array;
  /** Bends the compressed bytes of a data member. */
  readonly member?: (bytes: Uint8Array, member: number) => Uint8Array;
  readonly checksums?: (text: string) => string;
  /** More bytes between checksums and end. */
  readonly inserted?: Uint8Array;
}

export interface Apart {
  readonly manifest: Manifest;
  readonly tars: readonly Uint8Array[];
}

export async function takeApart(archive: Uint8Array): Promise<Apart> {
  const head = await readBlbHead(byteSourceOf(archive, 'honest'));
  const tars = head.manifest.members.map(({ offset, compressedSize }) => {
    const start = head.headBytes + offset;
    return new Uint8Array(gunzipSync(archive.subarray(start, start + compressedSize)));
  });
  return { manifest: head.manifest, tars };
}

/** The same, with members as `forge` makes them: put together without a lie it is accepted. */
export async function forgeable(archive: Uint8Array): Promise<Apart> {
  return takeApart(await forge(await takeApart(archive), {}));
}

export async function forge(honest: Apart, lies: Lies): Promise<Uint8Array> {
  const tars = honest.tars.map((tar, member) => lies.tar?.(tar.slice(), member) ?? tar);
  const members: Uint8Array[] = [];
  for (const [member, tar] of tars.entries()) {
    const bytes = await gzipMember(tar, DEFLATE);
    members.push(lies.member?.(bytes.slice(), member) ?? bytes);
  }
  const manifest: Bent = structuredClone(honest.manifest);
  if (lies.refit !== false) refitMembers(manifest, tars, members);
  const bent = lies.manifest?.(manifest) ?? manifest;
  if (lies.refit !== false && bent === manifest) refit(manifest);
  const manifestBytes = bent instanceof Uint8Array ? bent : encodeManifest(bent as Manifest);
  return assemble(honest, manifestBytes, members, lies);
}

async function assemble(
  honest: Apart,
  manifestBytes: Uint8Array,
  members: readonly Uint8Array[],
  lies: Lies,
): Promise<Uint8Array> {
  const manifestSha256 = sha256Of(manifestBytes);
  const layout = layoutOr(manifestBytes, honest);
  const text = new TextDecoder().decode(checksumsText(manifestSha256, layout));
  const checksums = new TextEncoder().encode(lies.checksums?.(text) ?? text);
  const head = await gzipMember(tarFile('manifest.json', manifestBytes), DEFLATE);
  const rest = joinBytes([
    head,
    ...members,
    await gzipMember(tarFile('checksums.txt', checksums), DEFLATE),
    lies.inserted ?? new Uint8Array(0),
  ]);
  const restSha256 = createHash('sha256').update(rest).digest('hex');
  return joinBytes([rest, endMember({ headBytes: head.length, manifestSha256, restSha256 })]);
}

function layoutOr(manifestBytes: Uint8Array, honest: Apart) {
  try {
    const layout = tarLayoutOf(JSON.parse(new TextDecoder().decode(manifestBytes)));
    if (typeof layout !== 'string') return layout;
  } catch {
    // Not even JSON: the honest list will do.
  }
  return layoutOfManifest(honest.manifest);
}

/** Sizes of the members as they came out. */
function refitMembers(
  manifest: Bent,
  tars: readonly Uint8Array[],
  members: readonly Uint8Array[],
): void {
  let offset = 0;
  manifest.members = members.map((bytes, index) => {
    const member = { offset, compressedSize: bytes.length, tarSize: tars[index]?.length };
    offset += bytes.length;
    return member;
  });
  for (const entry of manifest.files) {
    if (typeof entry.compressedSize === 'number') {
      entry.compressedSize = manifest.members[entry.member].compressedSize;
    }
  }
}

function refit(manifest: Bent): void {
  try {
    manifest.statistics = { ...manifest.statistics, ...statisticsOf(manifest) };
    manifest.stateHash = stateHash(stateRecordsOf(manifest.files));
    const layout = tarLayoutOf(manifest);
    if (typeof layout !== 'string') manifest.integrityChecksum = integrityChecksumOf(layout);
  } catch {
    // Bent beyond what the derived fields can follow.
  }
}

export function tarFile(name: string, bytes: Uint8Array): Uint8Array {
  const header = tarHeader({ name, isFolder: false, sizeBytes: bytes.length, mtimeS: 0 });
  return joinBytes([header, bytes, new Uint8Array(paddingOf(bytes.length))]);
}

/** Puts the right checksum into a bent ustar block. */
export function withChecksum(block: Uint8Array): Uint8Array {
  block.fill(0x20, 148, 156);
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  const text = `${sum.toString(8).padStart(6, '0')} \0`;
  for (const [index, character] of [...text].entries())
    block[148 + index] = character.charCodeAt(0);
  return block;
}
