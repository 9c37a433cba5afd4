/** Takes temporary names off a board, folders with everything in them (firmware-helpers/wipe.py). */
import { LONG_CALL_SILENCE_MS_MAX } from '../core/limits.js';
import type { Agent } from './agent.js';
import { bytesLiteralOfPath, shortName } from './helper-source.js';

const AT_ONCE = 20;

/** Paths that are not there, or cannot be removed, are left aside. Throws what the wire threw. */
export async function wipe(
  agent: Agent,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const some = paths.slice(at, at + AT_ONCE).map((path) => `${bytesLiteralOfPath(path)},`);
    const parts = [`list-${agent.rungs.listing}`, 'wipe'];
    const exec = agent.withParts(parts, `${shortName('wipe_all')}((${some.join('')}))`);
    const limits = { timeoutMs: LONG_CALL_SILENCE_MS_MAX, signal };
    await agent.session.exec(exec.source, limits);
  }
}
