/** `verify`: archives and chains, or the board against a backup. */

import { displayPath } from '../../core/device-path.js';
import type { ErrorCode } from '../../core/errors.js';
import { BelayError, EXIT_STATUS_BY_CODE } from '../../core/errors.js';
import type { VerifyResult } from '../../jobs/verify.js';
import { verifyAgainstBoard, verifyBackups } from '../../jobs/verify.js';
import { countOf } from '../../ui/formats.js';
import { openStore } from '../../wiring.js';
import { boardConnector, withBackupChoice, withBoardChoice } from '../board-choice.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { changeLines, changeTotals } from '../text/change-text.js';
import { withoutPath } from '../text/style.js';
import { verifyLines } from '../text/verify-text.js';

export async function run(session: Session): Promise<number> {
  const backups = (session.call.args[0] ?? []) as readonly string[];
  if (session.call.options.againstBoard === true) return againstBoard(session, backups);
  const parts = { store: openStore(session.options.dir) };
  const result = await withBackupChoice(session, async (board) => {
    await startQuietly(session);
    return verifyBackups(parts, { backups, board }, await session.context());
  });
  await session.endProgress();
  if (result.archives.length === 0) throw nothingThere(parts.store.path, session.boardName);
  session.answer(result, () => verifyLines(result, session.terminal.style));
  if (result.ok) return STATUS_DONE;
  throw findingsError(result);
}

/** A question's JSON is one document: progress has no place in it. */
async function startQuietly(session: Session): Promise<void> {
  if (!session.json) await session.startProgress();
}

/** A folder that is not mounted, or a wrong name, shall not pass for a good result. */
function nothingThere(folder: string, board: string | null): BelayError {
  const whose = board === null ? '' : ` of board "${displayPath(board)}"`;
  return new BelayError('store/not-found', `there is no backup${whose} in ${displayPath(folder)}`, {
    hint: 'choose another folder with --dir',
  });
}

function findingsError(result: VerifyResult): BelayError {
  const bad = result.archives.filter(
    (archive) => archive.findings.length > 0 || !archive.restorable,
  );
  const worst =
    bad.find((archive) => archive.findings[0]?.code === result.code) ??
    bad.find((archive) => archive.findings.length > 0);
  const code = isErrorCode(result.code) ? result.code : 'archive/damaged';
  const detail =
    worst === undefined
      ? ''
      : `: ${displayPath(worst.archive)}: ${withoutPath(worst.findings[0]?.message ?? worst.state, worst.archive)}`;
  return new BelayError(
    code,
    `${countOf(bad.length, 'archive')} of ${result.archives.length} failed${detail}`,
    {
      hint: code.startsWith('chain/')
        ? 'put what is missing back, or restore what is left with: restore --keep-going'
        : 'belay-backup repair moves what is broken aside',
    },
  );
}

function isErrorCode(code: string | null): code is ErrorCode {
  return code !== null && Object.hasOwn(EXIT_STATUS_BY_CODE, code);
}

async function againstBoard(session: Session, backups: readonly string[]): Promise<number> {
  if (backups.length > 1) {
    throw new BelayError('usage/invalid', 'verify --against-board takes one backup');
  }
  const store = openStore(session.options.dir);
  const result = await withBoardChoice(session, session.options.port?.[0], async (choice) => {
    await startQuietly(session);
    const context = await session.context();
    const connect = boardConnector(session, choice.port, context, { wait: false });
    const options = { backup: backups[0], boardName: choice.board };
    return verifyAgainstBoard({ connect, store }, options, context);
  });
  await session.endProgress();
  session.answer(result, () =>
    result.ok
      ? [`The board is equal to backup ${result.backupId}.`]
      : [
          ...changeLines(result.changes, session.terminal.style),
          `On the board: ${changeTotals(result.changes)}.`,
        ],
  );
  if (result.ok) return STATUS_DONE;
  throw new BelayError(
    'board/integrity',
    `the board differs from the backup: ${changeTotals(result.changes)}`,
  );
}
