/**
 * The live screen as a reporter. Imported only where there is a real terminal: loading Ink takes
 * about 300 ms. Keys are not read and Ctrl-C is the command's business, so stdin stays as it was.
 */
import { render } from 'ink';
import { JobScreen } from './job-screen.js';
import type { DisplayEvent } from './progress-state.js';
import { EMPTY_PROGRESS, reduceProgress } from './progress-state.js';
import type { Reporter } from './reporter.js';

/** A frame at most every 100 ms: the wire matters more than the picture. */
export const FRAME_MS = 100;

const LINE_UP = '\u001b[1A';

export interface ScreenReporterOptions {
  /** The terminal, e.g. stderr. */
  readonly stream: NodeJS.WriteStream;
  /** Ink wants one; nothing is read from it. */
  readonly input: NodeJS.ReadStream;
  readonly colour: boolean;
  readonly unicode: boolean;
}

export function screenReporter(options: ScreenReporterOptions): Reporter {
  let state = EMPTY_PROGRESS;
  let tick = 0;
  let dirty = true;
  let closed = false;

  const element = () => {
    const size = { columns: options.stream.columns || 80, rows: options.stream.rows || 24 };
    return (
      <JobScreen
        state={state}
        size={size}
        tick={tick}
        colour={options.colour}
        unicode={options.unicode}
      />
    );
  };
  const instance = render(element(), {
    stdout: options.stream,
    stderr: options.stream,
    stdin: options.input,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  const timer = setInterval(() => {
    tick += 1;
    dirty = false;
    instance.rerender(element());
  }, FRAME_MS);
  // The screen alone must not keep the process alive.
  timer.unref();

  const take = (event: DisplayEvent) => {
    if (closed) return;
    state = reduceProgress(state, event);
    dirty = true;
  };

  return {
    event: take,
    finished: take,
    async close() {
      if (closed) return;
      take({ type: 'closed' });
      closed = true;
      clearInterval(timer);
      if (dirty) instance.rerender(element());
      instance.unmount();
      await instance.waitUntilExit();
      instance.cleanup();
      // Ink leaves an empty line where the live region was; what is printed next goes there.
      options.stream.write(LINE_UP);
    },
  };
}
