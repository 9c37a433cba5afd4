/** `prune`: plan, question, removal. */

import type { PruneOptions } from '../../jobs/prune.js';
import { prune } from '../../jobs/prune.js';
import { countOf } from '../../ui/formats.js';
import { openStore } from '../../wiring.js';
import { STATUS_DONE } from '../exit-status.js';
import type { KeepOptions } from '../keep-rules.js';
import { keepRulesOf } from '../keep-rules.js';
import type { Session } from '../session.js';
import { pruneLines } from '../text/upkeep-text.js';

export async function run(session: Session): Promise<number> {
  const parts = { store: openStore(session.options.dir) };
  const options: PruneOptions = {
    keep: keepRulesOf(session.call.options as KeepOptions) ?? {},
    board: session.boardName,
    mergeExpired: session.call.options.mergeExpired === true,
    retryLockMs: session.retryLockMs,
  };
  const context = await session.context();
  const plan = await prune(parts, { ...options, dryRun: true }, context);
  if (session.dryRun) {
    session.answer(plan, () => pruneLines(plan, session.terminal.style));
    return STATUS_DONE;
  }
  const removes = plan.removed.length > 0 || plan.merged.length > 0;
  // The policy is the answer already (cron); a person is asked all the same. Where nothing goes
  // there is no question, but the run still clears away what a killed one left.
  if (removes && session.options.yes !== true && session.terminal.canAsk) {
    for (const line of pruneLines(plan, session.terminal.style)) session.terminal.err(line);
    await session.terminal.confirm(
      `Remove ${countOf(plan.removed.length, 'backup')}?`,
      session.signal,
    );
  }
  if (!session.json) await session.startProgress();
  const result = await prune(parts, { ...options, dryRun: false }, context);
  await session.endProgress();
  session.answer(result, () => pruneLines(result, session.terminal.style));
  return STATUS_DONE;
}
