/** How a restore and an undo begin: the board is taken, and left again where there is no plan. */
import type { AfterMode } from '../device/device-fs.js';
import { BoardSession } from './board-session.js';
import type { BoardParts, JobContext } from './context.js';
import { JobVoice } from './job-voice.js';
import type { PreparedRestore } from './restore-options.js';

/** What `prepare` gives holds the board from then on; where it throws, the board is left first. */
export async function prepareOnBoard(
  parts: BoardParts,
  after: AfterMode | undefined,
  context: JobContext,
  prepare: (session: BoardSession, voice: JobVoice) => Promise<PreparedRestore>,
): Promise<PreparedRestore> {
  const voice = new JobVoice(context);
  voice.begin('connecting');
  const session = await BoardSession.open(parts.connect, context, 'write');
  voice.countWire(() => session.counters());
  try {
    return await prepare(session, voice);
  } catch (error) {
    await session.leave(after ?? 'auto');
    throw error;
  }
}
