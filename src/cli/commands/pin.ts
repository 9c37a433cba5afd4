/** `pin` and `unpin`. */
import { pinBackup } from '../../jobs/pin.js';
import { openStore } from '../../wiring.js';
import { withBackupChoice } from '../board-choice.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { shortId } from '../text/style.js';

export async function run(session: Session): Promise<number> {
  const parts = { store: openStore(session.options.dir) };
  const pinned = session.call.name === 'pin';
  const context = await session.context();
  const result = await withBackupChoice(session, (board) => {
    const backup = session.call.args[0] as string;
    return pinBackup(parts, { backup, pinned, board, dryRun: session.dryRun }, context);
  });
  session.answer(result, () => {
    const verb = result.changed ? (session.dryRun ? 'would be' : 'is now') : 'was';
    const state = result.pinned ? 'pinned' : 'without a pin';
    return [`${shortId(result.backupId)} ${verb} ${state}${result.changed ? '' : ' already'}.`];
  });
  return STATUS_DONE;
}
