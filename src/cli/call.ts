/** One parsed command line: which command, with what. Plain data, made by the program. */
import type { AfterMode } from '../device/device-fs.js';

export const COMMAND_NAMES = [
  'backup',
  'restore',
  'list',
  'show',
  'files',
  'verify',
  'diff',
  'find',
  'cat',
  'extract',
  'export',
  'import',
  'merge',
  'prune',
  'remove',
  'pin',
  'unpin',
  'repair',
  'unlock',
  'devices',
  'doctor',
  'completion',
] as const;

export type CommandName = (typeof COMMAND_NAMES)[number];

/** The options that every command takes. */
export interface EverywhereOptions {
  /** Empty: nothing was said, here or in BELAY_PORT. */
  readonly port?: readonly string[];
  readonly baud?: number;
  readonly fastBaud?: number;
  readonly dtr?: 'on' | 'off';
  readonly rts?: 'on' | 'off';
  readonly board?: string;
  readonly dir?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color: boolean;
  readonly plain?: boolean;
  readonly retryLock?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly after?: AfterMode;
}

export interface CommandCall {
  readonly name: CommandName;
  /** In the order of the command's arguments; a missing optional one is undefined. */
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly options: EverywhereOptions & Readonly<Record<string, unknown>>;
}
