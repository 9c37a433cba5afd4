/** `show`. */
import { showBackup } from '../../jobs/show.js';
import { openStore } from '../../wiring.js';
import { withBackupChoice } from '../board-choice.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { showLines } from '../text/show-text.js';

export async function run(session: Session): Promise<number> {
  const context = await session.context();
  const parts = { store: openStore(session.options.dir) };
  const details = await withBackupChoice(session, (board) =>
    showBackup(parts, { backup: session.call.args[0] as string, board }, context),
  );
  // Flat: a script asks for `.archive` or `.deviceInfo` without knowing who keeps what where.
  const { row, manifest, ...relations } = details;
  session.answer({ ...row, ...relations, ...manifest }, () => showLines(details));
  return STATUS_DONE;
}
