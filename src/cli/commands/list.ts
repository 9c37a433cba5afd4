/** `list`. */
import { listBackups } from '../../jobs/list.js';
import { openStore } from '../../wiring.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { listLines } from '../text/list-text.js';

export async function run(session: Session): Promise<number> {
  const context = await session.context();
  const parts = { store: openStore(session.options.dir) };
  const all = session.call.options.all === true;
  const listing = await listBackups(parts, { all, board: session.boardName }, context);
  session.answer(listing, () => listLines(listing, session.terminal.style));
  return STATUS_DONE;
}
