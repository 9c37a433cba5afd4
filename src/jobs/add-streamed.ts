/** A file of known hash from a stream into an archive: small ones whole, big ones piece by piece. */
import type { BlbWriter, NewFile } from '../archive/blb-writer.js';

/** Up to here a file is gathered in memory and may share a member. */
const SMALL_BYTES_MAX = 100 * 1024;

export async function addStreamed(
  writer: BlbWriter,
  meta: NewFile,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  if (meta.sizeBytes <= SMALL_BYTES_MAX) {
    const bytes = new Uint8Array(meta.sizeBytes);
    let at = 0;
    for await (const chunk of content) {
      bytes.set(chunk.subarray(0, Math.max(0, bytes.length - at)), at);
      at += chunk.length;
    }
    return writer.addFile(meta, bytes.subarray(0, Math.min(at, bytes.length)));
  }
  const file = writer.beginFile(meta);
  try {
    for await (const chunk of content) await file.write(chunk);
    await file.end(meta);
  } catch (error) {
    await file.abort();
    throw error;
  }
}
