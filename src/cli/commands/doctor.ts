/** `doctor`: step by step from this computer to the board, stopping at what does not work. */
import { displayPath } from '../../core/device-path.js';
import { BelayError } from '../../core/errors.js';
import { listDevices } from '../../jobs/devices.js';
import { devicesParts } from '../../wiring.js';
import { boardConnector } from '../board-choice.js';
import { asBelayError, STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { firmwareText, paint } from '../text/style.js';

interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly text: string;
  readonly hint: string | null;
}

export async function run(session: Session): Promise<number> {
  if (session.call.options.transcript !== undefined) {
    throw new BelayError('usage/invalid', 'doctor --transcript is not available in this version');
  }
  const steps: Step[] = [];
  const context = await session.context();
  const add = (step: Step) => {
    steps.push(step);
    if (!session.json) printStep(session, step);
  };
  add({
    step: 'node',
    ok: true,
    text: `${process.version} on ${process.platform} ${process.arch}`,
    hint: null,
  });
  let failure: BelayError | null = null;
  try {
    const parts = devicesParts(session.portWish(session.options.port?.[0]), context);
    const { devices } = await listDevices(parts, { probe: false }, context);
    const names = devices.map((device) => device.path).join(', ');
    add({ step: 'ports', ok: true, text: names === '' ? 'none' : names, hint: null });
    const connect = boardConnector(session, session.options.port?.[0], context, { wait: false });
    const startedMs = context.clock.monotonicMs();
    const connection = await connect({ signal: context.signal });
    try {
      const { info } = connection;
      const tookMs = Math.round(context.clock.monotonicMs() - startedMs);
      add({ step: 'connect', ok: true, text: `${connection.portName}, ${tookMs} ms`, hint: null });
      add({ step: 'board', ok: true, text: `${info.machine}, ${firmwareText(info)}`, hint: null });
      for (const [question, answer] of Object.entries(info.probe)) {
        add({ step: `probe ${question}`, ok: true, text: String(answer), hint: null });
      }
      const wire = connection.counters();
      add({
        step: 'wire',
        ok: true,
        text: `${wire.bytesIn} B in, ${wire.bytesOut} B out, ${wire.turns} turns`,
        hint: null,
      });
    } finally {
      await connection.leave(session.options.after ?? 'auto');
    }
  } catch (thrown) {
    failure = asBelayError(thrown);
    add({ step: 'failed', ok: false, text: failure.message, hint: failure.hint });
  }
  if (session.json) session.terminal.out(JSON.stringify({ steps }));
  if (failure !== null) throw failure;
  return STATUS_DONE;
}

function printStep(session: Session, step: Step): void {
  const { style } = session.terminal;
  const mark = step.ok ? paint(style, 'green', 'ok') : paint(style, 'red', 'no');
  session.terminal.out(`${mark}  ${displayPath(step.step)}: ${displayPath(step.text)}`);
}
