/**
 * A board that follows a script: it waits for exact bytes and answers with exact bytes, whole, in
 * pieces or byte by byte. For the protocol's edges, for recorded conversations, and for wires that
 * stall or go away.
 */
import { BelayError } from '../../src/core/errors.js';
import type { BytePort, PortReceiver } from '../../src/transport/byte-port.js';
import { escapeBytes } from '../../src/transport/raw-repl.js';
import type { IdleClock } from './idle-clock.js';

export interface ScriptStep {
  /** What the host has to send before this step's answer; '' waits for nothing. */
  readonly sent: string | Uint8Array;
  readonly answer?: string | Uint8Array;
  /** From the last byte that was waited for to the first of the answer. Default 2. */
  readonly afterMs?: number;
  /** The wire goes away after the answer. */
  readonly unplug?: boolean;
}

export interface ScriptedPortOptions {
  /** Bytes in one delivery. Default: the answer whole. */
  readonly pieceBytes?: number;
  /** One more cut, behind this many bytes of the whole conversation. */
  readonly cutAt?: number;
}

export function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Uint8Array.from(text, (char) => char.charCodeAt(0)) : text;
}

export class ScriptedPort implements BytePort {
  readonly name = 'scripted';
  readonly usb = null;
  /** Everything the host has written. */
  written = '';
  /** The first thing that the script did not expect. */
  surprise: string | null = null;
  readonly bauds: number[] = [];
  isClosed = false;
  readonly #clock: IdleClock;
  readonly #steps: ScriptStep[];
  readonly #pieceBytes: number;
  readonly #cutAt: number;
  #said = 0;
  #pending: Uint8Array = new Uint8Array(0);
  #receiver: PortReceiver | null = null;
  #early: Uint8Array[] = [];

  constructor(clock: IdleClock, steps: readonly ScriptStep[], options: ScriptedPortOptions = {}) {
    this.#clock = clock;
    this.#steps = [...steps];
    this.#pieceBytes = options.pieceBytes ?? Number.POSITIVE_INFINITY;
    this.#cutAt = options.cutAt ?? -1;
    this.#proceed();
  }

  /** Steps that have not been reached. */
  get stepsLeft(): number {
    return this.#steps.length;
  }

  setReceiver(receiver: PortReceiver): void {
    this.#receiver = receiver;
    for (const bytes of this.#early.splice(0)) receiver.data(bytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.isClosed) throw new BelayError('port/lost', 'scripted: gone');
    this.written += String.fromCharCode(...bytes);
    this.#pending = Uint8Array.from([...this.#pending, ...bytes]);
    this.#proceed();
  }

  async setBaud(baud: number): Promise<void> {
    this.bauds.push(baud);
  }

  async setSignals(): Promise<void> {}

  async close(): Promise<void> {
    if (!this.isClosed) this.#goAway(null);
  }

  /** Says something that nobody asked for, now. */
  say(text: string | Uint8Array): void {
    const bytes = bytesOf(text);
    if (this.#receiver === null) this.#early.push(bytes);
    else this.#receiver.data(bytes);
  }

  unplug(): void {
    this.#goAway(new BelayError('port/lost', 'scripted: unplugged', { retryable: true }));
  }

  #proceed(): void {
    for (;;) {
      const step = this.#steps[0];
      if (step === undefined) {
        this.#expectNothing();
        return;
      }
      const wanted = bytesOf(step.sent);
      const common = Math.min(wanted.length, this.#pending.length);
      for (let at = 0; at < common; at += 1) {
        if (wanted[at] === this.#pending[at]) continue;
        this.#surprised(wanted);
        return;
      }
      if (this.#pending.length < wanted.length) return;
      this.#pending = this.#pending.subarray(wanted.length);
      this.#steps.shift();
      this.#clock.after(step.afterMs ?? 2, () => this.#answer(step));
    }
  }

  #expectNothing(): void {
    if (this.#pending.length > 0) this.#surprised(new Uint8Array(0));
  }

  #surprised(wanted: Uint8Array): void {
    this.surprise ??= `expected "${escapeBytes(wanted)}", got "${escapeBytes(this.#pending)}"`;
  }

  #answer(step: ScriptStep): void {
    const bytes = bytesOf(step.answer ?? '');
    for (let at = 0; at < bytes.length && !this.isClosed; ) {
      const toCut = this.#cutAt - this.#said;
      const size = Math.min(this.#pieceBytes, toCut > 0 ? toCut : Number.POSITIVE_INFINITY);
      const piece = bytes.subarray(at, at + size);
      this.#said += piece.length;
      at += piece.length;
      this.say(piece);
    }
    if (step.unplug === true) this.unplug();
  }

  #goAway(error: BelayError | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#receiver?.closed(error);
  }
}
