/** `unlock`: shows the holder of the folder's lock and removes it when asked. */
import { displayPath } from '../../core/device-path.js';
import type { UnlockResult } from '../../jobs/unlock.js';
import { unlock } from '../../jobs/unlock.js';
import { openStore } from '../../wiring.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { localTime } from '../text/style.js';

export async function run(session: Session): Promise<number> {
  const parts = { store: openStore(session.options.dir) };
  const context = await session.context();
  const seen = await unlock(parts, { remove: false }, context);
  // Only to look: nobody is asked and nothing is removed.
  if (seen.holders.length === 0 || session.dryRun) {
    session.answer(seen, () => holderLines(seen));
    return STATUS_DONE;
  }
  if (session.options.yes !== true && !session.terminal.canAsk) {
    session.answer(seen, () => [...holderLines(seen), 'To remove: belay-backup unlock --yes']);
    return STATUS_DONE;
  }
  if (session.options.yes !== true) {
    for (const line of holderLines(seen)) session.terminal.err(line);
    const what = seen.holders.length === 1 ? 'this lock' : 'these locks';
    await session.terminal.confirm(`Remove ${what}?`, session.signal);
  }
  const result = await unlock(parts, { remove: true }, context);
  session.answer(result, () => [
    ...result.holders.map((holder) => `  ${displayPath(holder.path)}`),
    result.removed ? 'Removed.' : 'Gone already.',
  ]);
  return STATUS_DONE;
}

const STATE_TEXT = {
  alive: 'which is running',
  dead: 'which is gone',
  unknown: 'of which nobody here can tell whether it runs',
} as const;

function holderLines({ holders }: UnlockResult): string[] {
  if (holders.length === 0) return ['The folder is not locked.'];
  return holders.map((holder) => `${displayPath(holder.path)}: ${holderText(holder)}`);
}

function holderText(holder: UnlockResult['holders'][number]): string {
  const { purpose, pid, host, since, state } = holder;
  if (pid === 0) return 'somebody, but the lock file cannot be read';
  const who = `"${displayPath(purpose)}" by process ${pid} on ${displayPath(host)}`;
  return `${who} since ${localTime(since)}, ${STATE_TEXT[state]}`;
}
