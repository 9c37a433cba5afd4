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
  if (seen.holder === null || session.dryRun) {
    session.answer(seen, () => [holderText(seen)]);
    return STATUS_DONE;
  }
  if (session.options.yes !== true && !session.terminal.canAsk) {
    session.answer(seen, () => [holderText(seen), 'To remove it: belay-backup unlock --yes']);
    return STATUS_DONE;
  }
  if (session.options.yes !== true) {
    session.terminal.err(holderText(seen));
    await session.terminal.confirm('Remove this lock?', session.signal);
  }
  const result = await unlock(parts, { remove: true }, context);
  session.answer(result, () => [
    result.removed ? 'The lock was removed.' : 'The lock is gone already.',
  ]);
  return STATUS_DONE;
}

const STATE_TEXT = {
  alive: 'which is running',
  dead: 'which is gone',
  unknown: 'on another computer, so nobody here can tell whether it runs',
} as const;

function holderText({ holder }: UnlockResult): string {
  if (holder === null) return 'The folder is not locked.';
  const since = localTime(holder.since);
  return `Locked for "${displayPath(holder.purpose)}" by process ${holder.pid} on ${displayPath(holder.host)} since ${since}, ${STATE_TEXT[holder.state]}.`;
}
