/**
 * Goes under the built command with `node --import`: ends or disturbs it at one operation on the
 * files below DISK_UNDER. DISK_TRACE names a file that gets a line for each changing operation.
 *
 *   DISK_AT=<n>           the n-th changing operation, from 1 on
 *   DISK_DO=kill-before | kill-after | after-<code: it is done, and said to have failed>
 *           | <a system code such as ENOSPC: from the n-th on, all fail>
 *   DISK_ONCE=1           only the n-th fails
 */
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { installDiskSteps } from './disk-steps.mjs';

const { DISK_UNDER: under, DISK_AT, DISK_DO: what, DISK_TRACE: trace, DISK_ONCE } = process.env;

if (isMainThread && under !== undefined) {
  let count = 0;
  const at = Number(DISK_AT ?? 0);
  const die = () => process.kill(process.pid, 'SIGKILL');
  const fail = (step, code) => {
    const message = `${code}: injected, ${step.name} '${step.path}'`;
    throw Object.assign(new Error(message), { code });
  };
  await installDiskSteps({
    under,
    before: (step) => {
      if (!step.changes) return;
      count += 1;
      step.count = count;
      if (trace !== undefined) appendFileSync(trace, `${step.name} ${step.path}\n`);
      if (count !== at && !(count > at && at > 0 && DISK_ONCE === undefined)) return;
      if (what === 'kill-before') die();
      if (what === undefined || what.startsWith('kill') || what.startsWith('after')) return;
      fail(step, what);
    },
    after: (step) => {
      if (step.count !== at) return;
      if (what === 'kill-after') die();
      if (what?.startsWith('after-')) fail(step, what.slice('after-'.length));
    },
  });
}
