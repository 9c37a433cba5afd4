/** `cat`: one file's bytes to stdout, nothing else. */
import { catFile } from '../../jobs/cat.js';
import { openStore } from '../../wiring.js';
import { withBackupChoice } from '../board-choice.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';

export async function run(session: Session): Promise<number> {
  const context = await session.context();
  const parts = { store: openStore(session.options.dir) };
  const [backup, path] = session.call.args as readonly [string, string];
  const found = await withBackupChoice(session, (board) =>
    catFile(parts, { backup, path, board }, context),
  );
  for await (const chunk of found.content) {
    if (!(await session.terminal.outBytes(chunk))) break;
  }
  return STATUS_DONE;
}
