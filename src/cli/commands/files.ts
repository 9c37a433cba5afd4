/** `files`. */
import { listFiles } from '../../jobs/files.js';
import { openStore } from '../../wiring.js';
import { withBackupChoice } from '../board-choice.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { filesLines } from '../text/files-text.js';

export async function run(session: Session): Promise<number> {
  const context = await session.context();
  const parts = { store: openStore(session.options.dir) };
  const [backup, pattern] = session.call.args as readonly [string, string | undefined];
  const listing = await withBackupChoice(session, (board) =>
    listFiles(parts, { backup, pattern, board }, context),
  );
  session.answer(listing, () => filesLines(listing.files, session.terminal.style));
  return STATUS_DONE;
}
