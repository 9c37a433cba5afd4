/** `extract`: files of a backup to a folder of this computer. */
import { displayPath } from '../../core/device-path.js';
import { extractBackup } from '../../jobs/extract.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import { openStore } from '../../wiring.js';
import { withBackupChoice } from '../board-choice.js';
import type { EverywhereOptions } from '../call.js';
import { STATUS_DONE, STATUS_PARTIAL } from '../exit-status.js';
import type { Session } from '../session.js';
import { failedLines } from '../text/backup-text.js';

interface Options extends EverywhereOptions {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly output: string;
  readonly keepGoing?: boolean;
}

export async function run(session: Session): Promise<number> {
  const options = session.optionsAs<Options>();
  const [backup, paths] = session.call.args as readonly [string, readonly string[] | undefined];
  const parts = { store: openStore(session.options.dir) };
  const result = await withBackupChoice(session, async (board) => {
    if (!session.json) await session.startProgress();
    const { include, exclude, output, keepGoing } = options;
    const wanted = {
      backup,
      paths,
      include,
      exclude,
      output,
      keepGoing,
      board,
      dryRun: session.dryRun,
    };
    return extractBackup(parts, wanted, await session.context());
  });
  await session.endProgress();
  session.answer(result, () => [
    ...(session.dryRun ? result.paths.map((path) => `  + ${displayPath(path)}`) : []),
    `${session.dryRun ? 'Would write' : 'Wrote'} ${countOf(result.filesWritten, 'file')}, ${formatBytes(result.bytesWritten)}, to ${displayPath(result.output)}`,
    ...failedLines(result.failed, 'could not be written'),
  ]);
  return result.failed.length > 0 ? STATUS_PARTIAL : STATUS_DONE;
}
