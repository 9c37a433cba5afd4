/** Random access to the bytes of one archive, wherever they lie. */
export interface ByteSource {
  /** For messages: the path, or a name for bytes in memory. */
  readonly name: string;
  readonly sizeBytes: number;
  /**
   * Exactly `length` bytes from `offset`; fewer only where the source ends. The result is the
   * caller's. Throws store/io, store/permission.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Bytes that are in memory already. */
export function byteSourceOf(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    sizeBytes: bytes.length,
    read: async (offset, length) => bytes.slice(offset, offset + length),
    close: async () => {},
  };
}
