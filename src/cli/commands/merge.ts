/** `merge`: a full archive out of a chain. */
import { mergeBackups } from '../../jobs/merge.js';
import { openStore } from '../../wiring.js';
import { withBackupChoice } from '../board-choice.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { mergeLines } from '../text/upkeep-text.js';

export async function run(session: Session): Promise<number> {
  const parts = { store: openStore(session.options.dir) };
  const backup = session.call.args[0] as string;
  const replace = session.call.options.replace === true;
  const merge = async (board: string | null, dryRun: boolean) => {
    if (!session.json) await session.startProgress();
    const options = { backup, replace, board, dryRun, retryLockMs: session.retryLockMs };
    const result = await mergeBackups(parts, options, await session.context());
    await session.endProgress();
    return result;
  };
  const result = await withBackupChoice(session, async (board) => {
    // --replace is the answer already; a person is asked all the same.
    if (replace && !session.dryRun && session.options.yes !== true && session.terminal.canAsk) {
      const plan = await merge(board, true);
      for (const line of mergeLines(plan)) session.terminal.err(line);
      if (plan.removed.length > 0) {
        await session.terminal.confirm('Merge and remove these?', session.signal);
      }
    }
    return merge(board, session.dryRun);
  });
  session.answer(result, () => mergeLines(result));
  return STATUS_DONE;
}
