/**
 * How far a job is, how fast, how long still. Pure arithmetic over timestamps that the caller
 * passes in; the speed is that of the last few seconds, so that a stall shows.
 */
import type { Operation, ProgressEvent } from '../core/events.js';

const WINDOW_MS = 5_000;
/** No rate is named before there is this much to judge by. */
const RATE_AFTER_MS = 500;
/** Events closer together than this are left out, unless something besides the bytes changed. */
const EVENT_EVERY_MS = 100;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

export class ProgressMeter {
  readonly #startedMs: number;
  #operation: Operation = 'connecting';
  #currentFile: string | null = null;
  #totalFiles = 0;
  #totalBytes = 0;
  #files = 0;
  #bytes = 0;
  #wireBytes = 0;
  #samples: Sample[] = [];
  #lastEventMs = Number.NEGATIVE_INFINITY;
  #changed = true;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
  }

  /** A new stage: its totals, counted from zero. */
  begin(operation: Operation, totals: { readonly files: number; readonly bytes: number }): void {
    this.#operation = operation;
    this.#totalFiles = totals.files;
    this.#totalBytes = totals.bytes;
    this.#files = 0;
    this.#bytes = 0;
    this.#currentFile = null;
    this.#samples = [];
    this.#changed = true;
  }

  file(path: string | null): void {
    if (path === this.#currentFile) return;
    this.#currentFile = path;
    this.#changed = true;
  }

  /** Bytes done in this stage; negative where a file starts again. */
  advance(bytes: number): void {
    this.#bytes += bytes;
  }

  fileDone(): void {
    this.#files += 1;
    this.#changed = true;
  }

  wire(bytes: number): void {
    this.#wireBytes = bytes;
  }

  /** The event that is due now, or null when the last one is young and nothing but bytes moved. */
  due(nowMs: number): ProgressEvent | null {
    if (nowMs - this.#lastEventMs < EVENT_EVERY_MS && !this.#changed) return null;
    return this.event(nowMs);
  }

  event(nowMs: number): ProgressEvent {
    this.#lastEventMs = nowMs;
    this.#changed = false;
    this.#samples.push({ atMs: nowMs, bytes: this.#bytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[1] as Sample).atMs >= WINDOW_MS)
      this.#samples.shift();
    const bytesPerSecond = this.#rate();
    const left = Math.max(0, this.#totalBytes - this.#bytes);
    const isForeseeable = bytesPerSecond > 0 && this.#totalBytes > 0;
    return {
      type: 'progress',
      operation: this.#operation,
      currentFile: this.#currentFile,
      processedFiles: this.#files,
      totalFiles: this.#totalFiles,
      processedBytes: this.#bytes,
      totalBytes: this.#totalBytes,
      percentComplete: this.#percent(),
      elapsedMs: Math.round(nowMs - this.#startedMs),
      etaMs: isForeseeable ? Math.round((left / bytesPerSecond) * 1000) : null,
      bytesPerSecond,
      wireBytes: this.#wireBytes,
    };
  }

  #rate(): number {
    const first = this.#samples[0] as Sample;
    const last = this.#samples.at(-1) as Sample;
    const spanMs = last.atMs - first.atMs;
    if (spanMs < RATE_AFTER_MS) return 0;
    return Math.max(0, Math.round(((last.bytes - first.bytes) * 1000) / spanMs));
  }

  #percent(): number {
    if (this.#totalBytes > 0) return clamp((this.#bytes / this.#totalBytes) * 100);
    if (this.#totalFiles > 0) return clamp((this.#files / this.#totalFiles) * 100);
    return 0;
  }
}

function clamp(percent: number): number {
  return Math.round(Math.min(100, Math.max(0, percent)) * 10) / 10;
}
