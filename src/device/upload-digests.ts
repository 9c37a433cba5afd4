/** The hashes that an upload is checked by, as the board makes them of what its flash holds. */
import type { AgentRungs } from './agent.js';
import { contentFormat } from './content-format.js';
import type { ContentFormat } from './content-parser.js';
import type { BoardOperation } from './device-fs.js';

export type PutOperation = Extract<BoardOperation, { kind: 'put' }>;

export class UploadDigests {
  readonly #format: ContentFormat;

  constructor(hash: AgentRungs['hash']) {
    this.#format = contentFormat({ hash });
  }

  /** Of one file's content; nothing where the board has no hash at all. */
  async of(operation: PutOperation): Promise<Uint8Array> {
    const { digestBytes, newDigest } = this.#format;
    // The archive knows the sha256; and no content is read for a board without a hash.
    if (digestBytes === 32) return Buffer.from(operation.sha256, 'hex');
    const digest = newDigest();
    if (digestBytes > 0) for await (const part of operation.content()) digest.update(part);
    return digest.digest();
  }

  /** Of the digests of several files, one after the other. */
  async over(operations: readonly PutOperation[]): Promise<Uint8Array> {
    const digest = this.#format.newDigest();
    for (const operation of operations) digest.update(await this.of(operation));
    return digest.digest();
  }
}
