/** `remove`: deletes named backups; shows what goes and asks. */
import { removeBackups } from '../../jobs/remove.js';
import { countOf } from '../../ui/formats.js';
import { openStore } from '../../wiring.js';
import { withBackupChoice } from '../board-choice.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { removeLines } from '../text/upkeep-text.js';

export async function run(session: Session): Promise<number> {
  const parts = { store: openStore(session.options.dir) };
  const context = await session.context();
  const yes = session.options.yes === true;
  const wanted = {
    backups: session.call.args[0] as readonly string[],
    cascade: session.call.options.cascade === true,
    yes,
    retryLockMs: session.retryLockMs,
  };
  const result = await withBackupChoice(session, async (board) => {
    // Naming a backup (and --cascade) is the answer already; a person is asked all the same.
    if (!session.dryRun && !yes && session.terminal.canAsk) {
      const plan = await removeBackups(parts, { ...wanted, board, dryRun: true }, context);
      for (const line of removeLines(plan)) session.terminal.err(line);
      await session.terminal.confirm(
        `Delete ${countOf(plan.removed.length, 'backup')}?`,
        session.signal,
      );
    }
    return removeBackups(parts, { ...wanted, board, dryRun: session.dryRun }, context);
  });
  session.answer(result, () => removeLines(result));
  return STATUS_DONE;
}
