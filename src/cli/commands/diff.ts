/** `diff`: two backups, or a backup and the board. */
import { compareBackups } from '../../jobs/diff.js';
import { openStore } from '../../wiring.js';
import { boardConnector, withBoardChoice } from '../board-choice.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { changeLines, changeTotals } from '../text/change-text.js';

export async function run(session: Session): Promise<number> {
  const [a, b] = session.call.args as readonly [string, string | undefined];
  const text = session.call.options.text === true;
  const store = openStore(session.options.dir);
  const result = await withBoardChoice(session, session.options.port?.[0], async (choice) => {
    if (!session.json) await session.startProgress();
    const context = await session.context();
    const connect = boardConnector(session, choice.port, context, { wait: false });
    return compareBackups({ store, connect }, { a, b, text, board: choice.board }, context);
  });
  await session.endProgress();
  session.answer(result, () => changeLines(result.changes, session.terminal.style));
  if (!session.json && !session.quiet) session.terminal.err(`${changeTotals(result.changes)}.`);
  return STATUS_DONE;
}
