/** Loads the code of one command. Jobs, serial port and virtual board come in here and no earlier. */
import type { CommandName } from './call.js';
import type { Session } from './session.js';

/** Resolves with the exit status of a run that worked, whole (0) or in part (3); throws otherwise. */
export type CommandRun = (session: Session) => Promise<number>;

const LOADERS: Readonly<Record<CommandName, () => Promise<{ readonly run: CommandRun }>>> = {
  backup: () => import('./commands/backup.js'),
  restore: () => import('./commands/restore.js'),
  list: () => import('./commands/list.js'),
  show: () => import('./commands/show.js'),
  files: () => import('./commands/files.js'),
  verify: () => import('./commands/verify.js'),
  diff: () => import('./commands/diff.js'),
  find: () => import('./commands/find.js'),
  cat: () => import('./commands/cat.js'),
  extract: () => import('./commands/extract.js'),
  export: () => import('./commands/export.js'),
  import: () => import('./commands/import.js'),
  merge: () => import('./commands/merge.js'),
  prune: () => import('./commands/prune.js'),
  remove: () => import('./commands/remove.js'),
  pin: () => import('./commands/pin.js'),
  unpin: () => import('./commands/pin.js'),
  repair: () => import('./commands/repair.js'),
  unlock: () => import('./commands/unlock.js'),
  devices: () => import('./commands/devices.js'),
  doctor: () => import('./commands/doctor.js'),
  completion: () => import('./commands/completion.js'),
};

export async function loadCommand(name: CommandName): Promise<CommandRun> {
  return (await LOADERS[name]()).run;
}
