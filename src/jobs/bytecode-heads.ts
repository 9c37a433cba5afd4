/** Reads the first bytes of a backup's .mpy files, so that a plan can judge them. */
import { throwIfAborted } from '../core/errors.js';
import type { Tree } from '../core/tree.js';
import { type BytecodeHeader, bytecodeHeader, HEADER_BYTES } from './bytecode.js';

interface Contents {
  read(path: string): AsyncIterable<Uint8Array>;
  readonly content: { readonly sources: ReadonlyMap<string, unknown> };
}

/** By path in the backup. Contents that are missing from the chain are left out. */
export async function bytecodeHeads(
  tree: Tree,
  contents: Contents,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, BytecodeHeader | null>> {
  const heads = new Map<string, BytecodeHeader | null>();
  for (const { kind, path } of tree) {
    throwIfAborted(signal);
    if (kind !== 'file' || !path.endsWith('.mpy') || !contents.content.sources.has(path)) continue;
    heads.set(path, bytecodeHeader(await firstBytes(contents.read(path))));
  }
  return heads;
}

/** All of it is read: only at its end is a file's hash checked. */
async function firstBytes(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let head = new Uint8Array(0);
  for await (const part of parts) {
    if (head.length < HEADER_BYTES) head = Buffer.concat([head, part]).subarray(0, HEADER_BYTES);
  }
  return head;
}
