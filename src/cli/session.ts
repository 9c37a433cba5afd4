/** What a command works with: the terminal, the wishes of the user, progress, the signal to stop. */
import type { JobEvent } from '../core/events.js';
import type { JobContext, JobWarning } from '../jobs/context.js';
import { jsonReporter } from '../ui/json-reporter.js';
import type { Verbosity } from '../ui/plain-reporter.js';
import { plainReporter } from '../ui/plain-reporter.js';
import type { FinishedEvent } from '../ui/progress-state.js';
import type { Reporter } from '../ui/reporter.js';
import type { PortWish } from '../wiring.js';
import type { CommandCall, EverywhereOptions } from './call.js';
import type { Terminal } from './terminal.js';

export class Session {
  readonly call: CommandCall;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  #reporter: Reporter | null = null;
  readonly #warned = new Set<string>();
  #wiring: Promise<typeof import('../wiring.js')> | null = null;

  constructor(call: CommandCall, terminal: Terminal, signal: AbortSignal) {
    this.call = call;
    this.terminal = terminal;
    this.signal = signal;
  }

  get options(): EverywhereOptions {
    return this.call.options;
  }

  /** The command's own options; the program that parsed them is their only source. */
  optionsAs<T extends EverywhereOptions>(): T {
    return this.call.options as unknown as T;
  }

  get json(): boolean {
    return this.options.json === true;
  }

  get quiet(): boolean {
    return this.options.quiet === true;
  }

  get verbosity(): Verbosity {
    return this.quiet ? 'quiet' : this.options.verbose === true ? 'verbose' : 'normal';
  }

  get boardName(): string | null {
    return this.options.board ?? null;
  }

  get retryLockMs(): number {
    return this.options.retryLock ?? 0;
  }

  get dryRun(): boolean {
    return this.options.dryRun === true;
  }

  portWish(port: string | undefined): PortWish {
    const { baud, fastBaud, retryLock, dtr, rts } = this.options;
    const level = (value: 'on' | 'off' | undefined) =>
      value === undefined ? null : value === 'on';
    const lines = { dtr: level(dtr), rts: level(rts) };
    return { port, baud, fastBaud, retryLockMs: retryLock, lines };
  }

  /** Starts a display. Events that come while there is none are dropped, as in a question. */
  async startProgress(): Promise<void> {
    await this.endProgress();
    this.#reporter = await this.#newReporter();
  }

  async #newReporter(): Promise<Reporter> {
    const { terminal } = this;
    if (this.json) return jsonReporter((line) => terminal.out(line), this.verbosity);
    if (!terminal.canShowScreen) {
      return plainReporter((line) => terminal.err(line), this.verbosity);
    }
    // React's development build is many times slower and keeps a record of every render.
    process.env.NODE_ENV ??= 'production';
    const { screenReporter } = await import('../ui/screen-reporter.js');
    return screenReporter({ ...terminal.screenStreams, ...terminal.errorStyle });
  }

  finished(event: FinishedEvent): void {
    this.#reporter?.finished(event);
  }

  async endProgress(): Promise<void> {
    const reporter = this.#reporter;
    this.#reporter = null;
    await reporter?.close();
  }

  readonly emit = (event: JobEvent): void => {
    if (event.type === 'warning' && this.#warned.size < WARNED_MAX) this.#warned.add(keyOf(event));
    this.#reporter?.event(event);
  };

  /** True where the progress display has shown this warning already. */
  hasWarned(warning: JobWarning): boolean {
    return this.#warned.has(keyOf(warning));
  }

  /** The real clock and randomness, with this session's progress and signal. */
  async context(label?: string): Promise<JobContext> {
    this.#wiring ??= import('../wiring.js');
    const { systemContext } = await this.#wiring;
    const emit =
      label === undefined ? this.emit : (event: JobEvent) => this.emit({ ...event, board: label });
    return systemContext({ signal: this.signal, emit });
  }

  /** A question's answer: one JSON document, or lines for people. */
  answer(document: object, lines: () => readonly string[]): void {
    if (this.json) this.terminal.out(JSON.stringify(document));
    else for (const line of lines()) this.terminal.out(line);
  }
}

const WARNED_MAX = 10_000;

function keyOf(warning: JobWarning): string {
  return JSON.stringify([warning.code, warning.path, warning.message]);
}
