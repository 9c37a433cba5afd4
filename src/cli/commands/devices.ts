/** `devices`. */
import { listDevices } from '../../jobs/devices.js';
import { devicesParts, openStore } from '../../wiring.js';
import { STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { devicesLines } from '../text/upkeep-text.js';

export async function run(session: Session): Promise<number> {
  const probe = session.call.options.probe === true;
  if (probe && !session.json) await session.startProgress();
  const context = await session.context();
  const wish = session.portWish(session.options.port?.[0]);
  const parts = devicesParts(wish, context, openStore(session.options.dir));
  const result = await listDevices(parts, { probe, port: wish.port }, context);
  await session.endProgress();
  session.answer(result, () => devicesLines(result, session.terminal.style));
  return STATUS_DONE;
}
