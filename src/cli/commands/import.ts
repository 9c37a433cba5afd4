/** `import`: a folder or an archive of others as a backup. */
import { displayPath } from '../../core/device-path.js';
import { isBelayError } from '../../core/errors.js';
import type { ImportResult } from '../../jobs/import.js';
import { importBackup } from '../../jobs/import.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import { openStore } from '../../wiring.js';
import { STATUS_DONE, STATUS_PARTIAL } from '../exit-status.js';
import type { Session } from '../session.js';
import { failedLines } from '../text/backup-text.js';
import { shortId } from '../text/style.js';

export async function run(session: Session): Promise<number> {
  const { options } = session.call;
  const parts = { store: openStore(session.options.dir) };
  if (!session.json) await session.startProgress();
  const wanted = {
    input: session.call.args[0] as string,
    boardName: session.boardName,
    include: options.include as readonly string[] | undefined,
    exclude: options.exclude as readonly string[] | undefined,
    description: options.description as string | undefined,
    dryRun: session.dryRun,
    retryLockMs: session.retryLockMs,
  };
  const importing = async (olderToo: boolean) =>
    importBackup(parts, { ...wanted, olderToo }, await session.context());
  const result = await importing(session.options.yes === true).catch(async (error: unknown) => {
    if (!isBelayError(error, 'usage/unanswered') || !session.terminal.canAsk) throw error;
    await session.endProgress();
    session.terminal.err(displayPath(error.message));
    await session.terminal.confirm('Import it as the newest?', session.signal);
    return importing(true);
  });
  await session.endProgress();
  const { manifest: _, ...document } = result;
  session.answer(document, () => importLines(result));
  return result.failed.length > 0 ? STATUS_PARTIAL : STATUS_DONE;
}

function importLines(result: ImportResult): string[] {
  const content = `${countOf(result.fileCount, 'file')}, ${formatBytes(result.totalOriginalSize)}`;
  const head =
    result.backupId === null
      ? `Would import ${content}; nothing was written.`
      : `Imported ${content} as ${shortId(result.backupId)}: ${displayPath(result.archive ?? '')}`;
  return [head, ...failedLines(result.failed, 'left out')];
}
