/** How a job speaks: progress now and then, warnings (also kept for the result), notes. */
import type { Operation } from '../core/events.js';
import type { JobContext, JobWarning } from './context.js';
import { ProgressMeter } from './progress-meter.js';

export class JobVoice {
  readonly warnings: JobWarning[] = [];
  readonly #context: JobContext;
  readonly #meter: ProgressMeter;
  readonly #startedMs: number;
  #pausedAtMs: number | null = null;
  #pausedMs = 0;
  #wireBytes: () => number = () => 0;

  constructor(context: JobContext) {
    this.#context = context;
    this.#startedMs = context.clock.monotonicMs();
    this.#meter = new ProgressMeter(this.#startedMs);
  }

  /** Where progress events take `wireBytes` from. */
  countWire(counters: () => { readonly bytesIn: number; readonly bytesOut: number }): void {
    this.#wireBytes = () => counters().bytesIn + counters().bytesOut;
  }

  /** Without the time that was spent waiting for a person. */
  get elapsedMs(): number {
    const nowMs = this.#pausedAtMs ?? this.#context.clock.monotonicMs();
    return Math.round(nowMs - this.#startedMs - this.#pausedMs);
  }

  /** A question is about to be asked. */
  pause(): void {
    this.#pausedAtMs ??= this.#context.clock.monotonicMs();
  }

  /** It was answered. */
  goOn(): void {
    if (this.#pausedAtMs === null) return;
    this.#pausedMs += this.#context.clock.monotonicMs() - this.#pausedAtMs;
    this.#pausedAtMs = null;
  }

  begin(
    operation: Operation,
    totals: { readonly files: number; readonly bytes: number } = {
      files: 0,
      bytes: 0,
    },
  ): void {
    this.#meter.begin(operation, totals);
    this.#tick();
  }

  advance(bytes: number, path: string | null = null): void {
    this.#meter.advance(bytes);
    if (path !== null) this.#meter.file(path);
    this.#tick();
  }

  fileDone(path: string | null = null): void {
    if (path !== null) this.#meter.file(path);
    this.#meter.fileDone();
    this.#tick();
  }

  /** The last word of a stage, whatever was said a moment ago. */
  end(): void {
    this.#meter.file(null);
    this.#meter.wire(this.#wireBytes());
    this.#context.emit(this.#meter.event(this.#context.clock.monotonicMs()));
  }

  warn(code: string, message: string, path: string | null = null): void {
    this.warnings.push({ code, message, path });
    this.#context.emit({ type: 'warning', code, message, path });
  }

  note(code: string, message: string): void {
    this.#context.emit({ type: 'note', code, message });
  }

  #tick(): void {
    this.#meter.wire(this.#wireBytes());
    const event = this.#meter.due(this.#context.clock.monotonicMs());
    if (event !== null) this.#context.emit(event);
  }
}
