/**
 * The exact header bytes of every tar entry a `.blb` may hold: a pure codec, apart from streaming.
 * There is one right header for a name, size and time; the reader rebuilds it and compares, so it
 * never has to interpret a header that somebody else wrote. FORMAT.md, "Tar".
 */
import { bytesOfPath } from '../core/device-path.js';

export const TAR_BLOCK_BYTES = 512;
/** ustar holds a size in eleven octal digits. */
export const FILE_BYTES_MAX = 8 ** 11 - 1;
const MTIME_S_MAX = 2 ** 31 - 1;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
/** What the extended header and its entry are called in the ustar name field. */
const PAX_NAME = 'PaxHeader';

export interface TarEntry {
  /** Full name inside the tar; folders end in `/`. */
  readonly name: string;
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  /** Whole seconds since 1970, 0..2^31-1. */
  readonly mtimeS: number;
}

/** lastModified of a manifest as the tar holds it: 0 for what a tar cannot hold. */
export function tarMtimeOf(modifiedS: number | null): number {
  const floor = modifiedS === null ? 0 : Math.floor(modifiedS);
  return floor >= 0 && floor <= MTIME_S_MAX ? floor : 0;
}

/** Zero bytes that follow `sizeBytes` of content. */
export function paddingOf(sizeBytes: number): number {
  return (TAR_BLOCK_BYTES - (sizeBytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

/** Header blocks, content and padding. */
export function tarSizeOf(entry: TarEntry): number {
  return tarHeaderBytesOf(entry.name) + entry.sizeBytes + paddingOf(entry.sizeBytes);
}

/** Length of all header blocks of an entry with this name. */
export function tarHeaderBytesOf(name: string): number {
  if (ustarSplit(name) !== null) return TAR_BLOCK_BYTES;
  const record = paxRecordBytes(bytesOfPath(name).length);
  return 2 * TAR_BLOCK_BYTES + record + paddingOf(record);
}

/** True where the name needs the extended header. */
export function needsPax(name: string): boolean {
  return ustarSplit(name) === null;
}

/** All header blocks: one ustar header, or the extended header, its record, and the ustar header. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const split = ustarSplit(entry.name);
  const type = entry.isFolder ? '5' : '0';
  if (split !== null) return ustarBlock({ ...entry, ...split, type });
  const record = paxRecord(entry.name);
  const bytes = new Uint8Array(tarHeaderBytesOf(entry.name));
  const pax = { ...entry, name: PAX_NAME, prefix: '' };
  bytes.set(ustarBlock({ ...pax, sizeBytes: record.length, type: 'x' }), 0);
  bytes.set(record, TAR_BLOCK_BYTES);
  bytes.set(ustarBlock({ ...pax, type }), bytes.length - TAR_BLOCK_BYTES);
  return bytes;
}

/**
 * Name and prefix of a ustar header, or null where they cannot hold the name: ASCII only, as few
 * leading folders in the prefix as will do, and never an empty name field.
 */
function ustarSplit(name: string): { name: string; prefix: string } | null {
  if (!/^[\x20-\x7e]+$/.test(name)) return null;
  let cut = 0;
  while (name.length - cut > NAME_BYTES) {
    const slash = name.indexOf('/', cut);
    if (slash < 0 || slash > PREFIX_BYTES) return null;
    cut = slash + 1;
  }
  if (cut === name.length) return null;
  return cut === 0
    ? { name, prefix: '' }
    : { name: name.slice(cut), prefix: name.slice(0, cut - 1) };
}

/** `<length> path=<name>\n`; the length counts its own digits. */
function paxRecord(name: string): Uint8Array {
  const nameBytes = bytesOfPath(name);
  const length = paxRecordBytes(nameBytes.length);
  const record = new Uint8Array(length);
  const start = writeText(record, 0, `${length} path=`);
  record.set(nameBytes, start);
  record[length - 1] = 0x0a;
  return record;
}

function paxRecordBytes(nameBytes: number): number {
  const rest = ' path=\n'.length + nameBytes;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return length;
}

function ustarBlock(
  fields: TarEntry & { readonly prefix: string; readonly type: string },
): Uint8Array {
  const block = new Uint8Array(TAR_BLOCK_BYTES);
  writeText(block, 0, fields.name);
  writeText(block, 100, fields.isFolder ? '000755 ' : '000644 ');
  writeText(block, 108, '000000 ');
  writeText(block, 116, '000000 ');
  writeText(block, 124, `${fields.sizeBytes.toString(8).padStart(11, '0')} `);
  writeText(block, 136, `${fields.mtimeS.toString(8).padStart(11, '0')} `);
  writeText(block, 148, '        ');
  writeText(block, 156, fields.type);
  writeText(block, 257, 'ustar\x0000');
  writeText(block, 329, '000000 ');
  writeText(block, 337, '000000 ');
  writeText(block, 345, fields.prefix);
  let sum = 0;
  for (const byte of block) sum += byte;
  writeText(block, 148, `${sum.toString(8).padStart(6, '0')} \0`);
  return block;
}

/** ASCII only. Returns the offset after the text. */
function writeText(target: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index += 1) target[at + index] = text.charCodeAt(index);
  return at + text.length;
}
