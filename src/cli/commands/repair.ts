/** `repair`. */
import { repair } from '../../jobs/repair.js';
import { openStore } from '../../wiring.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { repairLines } from '../text/upkeep-text.js';

export async function run(session: Session): Promise<number> {
  const parts = { store: openStore(session.options.dir) };
  if (!session.json) await session.startProgress();
  const options = { dryRun: session.dryRun, retryLockMs: session.retryLockMs };
  const result = await repair(parts, options, await session.context());
  await session.endProgress();
  session.answer(result, () => repairLines(result));
  return STATUS_DONE;
}
