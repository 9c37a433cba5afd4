/** On boards that cannot make a sha256, what is to be written is checked here, before it is sent. */
import { createHash } from 'node:crypto';
import type { BoardOperation } from './device-fs.js';

/** The puts whose content is not what their hash promises. Reads all of the content once. */
export async function mismatchedPuts(
  operations: readonly BoardOperation[],
): Promise<readonly BoardOperation[]> {
  const wrong: BoardOperation[] = [];
  for (const operation of operations) {
    if (operation.kind !== 'put') continue;
    const hash = createHash('sha256');
    for await (const part of operation.content()) hash.update(part);
    if (hash.digest('hex') !== operation.sha256) wrong.push(operation);
  }
  return wrong;
}
