/** `completion`: a script for the user's shell. */
import { BelayError } from '../../core/errors.js';
import { completionScript } from '../completion-script.js';
import { STATUS_DONE } from '../exit-status.js';
import { buildProgram } from '../program.js';
import type { Session } from '../session.js';

export async function run(session: Session): Promise<number> {
  const shell = session.call.args[0] as string;
  const program = buildProgram({ version: '', writeOut: () => {}, columns: 80 }, () => {});
  const script = completionScript(shell, program);
  if (script === null) throw new BelayError('usage/invalid', `no completion for ${shell}`);
  session.terminal.out(script);
  return STATUS_DONE;
}
