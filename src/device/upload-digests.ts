/** The hashes that an upload is checked by, as the board makes them of what its flash holds. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { AgentRungs } from './agent.js';
import type { BoardOperation } from './device-fs.js';

export type PutOperation = Extract<BoardOperation, { kind: 'put' }>;

export class UploadDigests {
  readonly #hash: AgentRungs['hash'];

  constructor(hash: AgentRungs['hash']) {
    this.#hash = hash;
  }

  /** Of one file's content; nothing where the board has no hash at all. */
  async of(operation: PutOperation): Promise<Uint8Array> {
    if (this.#hash === 'none') return new Uint8Array(0);
    if (this.#hash !== 'crc32') return Buffer.from(operation.sha256, 'hex');
    let value = 0;
    for await (const part of operation.content()) value = crc32(part, value);
    return bytesOfCrc(value);
  }

  /** Of the digests of several files, one after the other. */
  async over(operations: readonly PutOperation[]): Promise<Uint8Array> {
    if (this.#hash === 'none') return new Uint8Array(0);
    const digests: Uint8Array[] = [];
    for (const operation of operations) digests.push(await this.of(operation));
    const bytes = Buffer.concat(digests);
    return this.#hash === 'crc32'
      ? bytesOfCrc(crc32(bytes))
      : createHash('sha256').update(bytes).digest();
  }
}

function bytesOfCrc(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
