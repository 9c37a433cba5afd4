/**
 * A UART at a higher speed for the length of a job (`--fast-baud`). The board changes first, then
 * the port, then one byte proves that both understand each other; a board that does not hear it
 * goes back by itself. Experimental: a soft reset does not undo the speed on an ESP32
 * (ports/esp32/main.c, init stands before the soft reset's label), so `lower` runs before the board
 * is left; after a host that died, only the reset button brings the usual speed back.
 */
import { isBelayError } from '../core/errors.js';
import type { BytePort } from '../transport/byte-port.js';
import type { ReplSession, SessionClock, StreamConsumer } from '../transport/repl-session.js';
import { helperPart } from './helper-source.js';

/** How long the board listens at the new speed before it goes back. */
const LISTEN_MS = 1500;
/** From the announcement to the first byte at the new speed: the board takes 30 ms to change. */
const SWITCH_MS = 80;
const SILENCE_MS_MAX = 4000;
const KNOCK = new TextEncoder().encode('U');

interface SpeedParts {
  readonly session: ReplSession;
  readonly port: BytePort;
  readonly clock: SessionClock;
  readonly signal: AbortSignal;
}

/** True when both ends run at `toBaud` now; false when the board stays at (or went back to) `fromBaud`. */
export async function changeBaud(
  parts: SpeedParts,
  fromBaud: number,
  toBaud: number,
): Promise<boolean> {
  const { session, port, clock, signal } = parts;
  const answers = new Answers();
  const source = `T=${toBaud}\nF=${fromBaud}\nW=${LISTEN_MS}\n${helperPart('speed')}`;
  const ended = session.stream(source, answers, { signal });
  ended.catch(() => {});
  try {
    await Promise.race([answers.announced, ended]);
    await Promise.race([clock.delay(SWITCH_MS, signal), ended]);
    await port.setBaud(toBaud);
    await session.send(KNOCK);
    const heard = await Promise.race([
      answers.verdict,
      clock.delay(LISTEN_MS / 2, signal).then(() => null),
    ]);
    // Silence: the board will go back, and what it says then comes at the old speed.
    if (heard === null) await port.setBaud(fromBaud);
    await ended;
    return (await answers.verdict) === true;
  } catch (error) {
    await port.setBaud(fromBaud);
    // No `machine.UART`, or no such speed: the board has said so and is where it was.
    if (isBelayError(error, 'repl/exec-failed')) return false;
    throw error;
  }
}

/** Reads `[s]`, then `[k]` or `[n]`, out of whatever else a change of speed makes of bytes. */
class Answers implements StreamConsumer {
  readonly announced: Promise<void>;
  readonly verdict: Promise<boolean>;
  #announce: () => void = () => {};
  #judge: (well: boolean) => void = () => {};
  #tail = '';

  constructor() {
    this.announced = new Promise((resolve) => {
      this.#announce = resolve;
    });
    this.verdict = new Promise((resolve) => {
      this.#judge = resolve;
    });
  }

  push(bytes: Uint8Array): { consumed: number; done: boolean } {
    for (const [at, byte] of bytes.entries()) {
      this.#tail = (this.#tail + String.fromCharCode(byte)).slice(-3);
      if (this.#tail === '[s]') this.#announce();
      if (this.#tail !== '[k]' && this.#tail !== '[n]') continue;
      this.#judge(this.#tail === '[k]');
      return { consumed: at + 1, done: true };
    }
    return { consumed: bytes.length, done: false };
  }

  silenceMsMax(): number {
    return SILENCE_MS_MAX;
  }
}
