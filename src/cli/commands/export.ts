/** `export`: a backup in a format that others read. */
import { displayPath } from '../../core/device-path.js';
import { exportBackup } from '../../jobs/export.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import { openStore } from '../../wiring.js';
import { withBackupChoice } from '../board-choice.js';
import { STATUS_DONE, STATUS_PARTIAL } from '../exit-status.js';
import type { Session } from '../session.js';
import { failedLines } from '../text/backup-text.js';

export async function run(session: Session): Promise<number> {
  const parts = { store: openStore(session.options.dir) };
  const backup = session.call.args[0] as string;
  const output = session.call.options.output as string;
  const result = await withBackupChoice(session, async (board) => {
    if (!session.json) await session.startProgress();
    const options = { backup, output, board, dryRun: session.dryRun };
    return exportBackup(parts, options, await session.context());
  });
  await session.endProgress();
  session.answer(result, () => [
    `${session.dryRun ? 'Would write' : 'Wrote'} ${displayPath(result.output)} (${result.format}): ${countOf(result.filesWritten, 'file')}, ${formatBytes(result.bytesWritten)}`,
    ...failedLines(result.failed, 'could not be written'),
  ]);
  return result.failed.length > 0 ? STATUS_PARTIAL : STATUS_DONE;
}
