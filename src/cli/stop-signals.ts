/**
 * Ctrl-C and kill. Once: the job is asked to stop and cleans up (board left as found, a restore
 * rolled back). Twice: out at once; what has no final name is swept by the next run.
 */
import { EXIT_STATUS_BY_CODE } from '../core/errors.js';

const STATUS_CANCELLED = EXIT_STATUS_BY_CODE['job/cancelled'];

/** A job that does not stop within its two seconds is left behind, unless it is rolling back. */
export const STOP_MS_MAX = 1_900;

export interface StopOptions {
  readonly onFirst: () => void;
  /** Puts the terminal right; synchronous. */
  readonly onForced: () => void;
  /** False where stopping halfway is worse than waiting: a restore that is being rolled back. */
  readonly bounded: () => boolean;
}

export interface StopSignals {
  readonly signal: AbortSignal;
  dispose(): void;
}

const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function listenForStop(
  host: Pick<NodeJS.Process, 'on' | 'off' | 'exit'>,
  options: StopOptions,
): StopSignals {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | null = null;

  const force = () => {
    options.onForced();
    host.exit(STATUS_CANCELLED);
  };
  const onSignal = () => {
    if (controller.signal.aborted) {
      force();
      return;
    }
    options.onFirst();
    controller.abort();
    if (options.bounded()) timer = setTimeout(force, STOP_MS_MAX);
  };
  for (const name of NAMES) host.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose() {
      if (timer !== null) clearTimeout(timer);
      for (const name of NAMES) host.off(name, onSignal);
    },
  };
}
