/** `find`. */
import { findVersions } from '../../jobs/find.js';
import { openStore } from '../../wiring.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { versionLines } from '../text/change-text.js';

export async function run(session: Session): Promise<number> {
  const context = await session.context();
  const parts = { store: openStore(session.options.dir) };
  const options = { pattern: session.call.args[0] as string, board: session.boardName };
  const result = await findVersions(parts, options, context);
  session.answer(result, () => versionLines(result.files, session.terminal.style));
  if (!session.json && result.files.length === 0)
    session.terminal.err('No backup has such a file.');
  return STATUS_DONE;
}
