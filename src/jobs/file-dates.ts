/**
 * `--preserve-times`: files get the times that the backup has of them. Where the board dates files by
 * its clock, the clock is set around each write and put right at the end, however the job ends.
 */
import { isBelayError } from '../core/errors.js';
import type { TimesRung } from '../device/device-fs.js';
import { type BoardSession, isLoss } from './board-session.js';
import type { JobContext } from './context.js';
import type { JobVoice } from './job-voice.js';
import type { PlannedOperation } from './restore-plan.js';

/** `now`: nobody asked for more than the time of writing. `cannot`: the board has no way. */
export type TimesKept = 'now' | 'utime' | 'clock' | 'cannot';

type Put = Extract<PlannedOperation, { kind: 'put' }>;

/** FAT counts in steps of two seconds; a clock set just before a full second may be past it. */
const TOLERANCE_S = 2;

/** How this board's files can get their times; says so where they cannot. */
export async function timesKeptBy(
  session: BoardSession,
  asked: boolean,
  voice: JobVoice,
  signal: AbortSignal,
): Promise<TimesKept> {
  if (!asked) return 'now';
  const rung: TimesRung = await session.fs.times.rung(signal);
  if (rung !== 'none') return rung;
  voice.warn(
    'times-not-set',
    'this board cannot set the times of files (it has neither os.utime nor machine.RTC): they get the time of now',
  );
  return 'cannot';
}

export class FileDates {
  readonly #session: BoardSession;
  readonly #voice: JobVoice;
  readonly #context: JobContext;
  readonly #rung: 'utime' | 'clock';
  /** What the board's clock said when this computer's was at `#atMs`. */
  readonly #clockMs: number;
  readonly #atMs: number;
  #clockTouched = false;

  private constructor(
    parts: { session: BoardSession; voice: JobVoice; context: JobContext },
    rung: 'utime' | 'clock',
    clockMs: number,
  ) {
    this.#session = parts.session;
    this.#voice = parts.voice;
    this.#context = parts.context;
    this.#rung = rung;
    this.#clockMs = clockMs;
    this.#atMs = parts.context.clock.monotonicMs();
  }

  /** null where files keep the time of writing. */
  static async begin(
    parts: { session: BoardSession; voice: JobVoice; context: JobContext },
    how: TimesKept,
  ): Promise<FileDates | null> {
    if (how !== 'utime' && how !== 'clock') return null;
    const { session, context } = parts;
    const clockMs = how === 'clock' ? await session.fs.times.clockMs(context.signal) : 0;
    return new FileDates(parts, how, clockMs);
  }

  /** For each `apply` from now on. */
  applied(): { readonly rung: 'utime' | 'clock'; readonly nowS: number } {
    this.#clockTouched ||= this.#rung === 'clock';
    return { rung: this.#rung, nowS: Math.floor(this.#nowMs() / 1000) };
  }

  /** How many of these files the board shows with the time of the backup; says where it is fewer. */
  async count(puts: readonly Put[], mounts: readonly string[]): Promise<number> {
    const dated = puts.filter((put) => put.modifiedS !== null);
    if (dated.length === 0) return 0;
    try {
      return await this.#countShown(dated, mounts);
    } catch (error) {
      if (!isLoss(error)) throw error;
      // All files are written and checked: that nobody looked at their times is no failure.
      this.#voice.warn('times-not-checked', `the times were not looked at (${error.message})`);
      return 0;
    }
  }

  async #countShown(dated: readonly Put[], mounts: readonly string[]): Promise<number> {
    const { signal } = this.#context;
    const { tree } = await this.#session.fs.scan({ roots: [''], mounts, hashes: 'none', signal });
    const shown = new Map(
      tree.flatMap((entry) => (entry.kind === 'file' ? [[entry.path, entry.modifiedS]] : [])),
    );
    const wrong = dated.filter(({ path, modifiedS }) => {
      const there = shown.get(path) ?? Number.POSITIVE_INFINITY;
      return Math.abs(there - (modifiedS as number)) > TOLERANCE_S;
    });
    if (wrong.length > 0) {
      this.#voice.warn(
        'times-not-set',
        `${wrong.length} of ${dated.length} files did not take the time of the backup`,
        (wrong[0] as Put).path,
      );
    }
    return dated.length - wrong.length;
  }

  /** Puts the clock right. Never throws: where it cannot, it says by what the clock is to be set. */
  async end(): Promise<void> {
    if (!this.#clockTouched) return;
    this.#clockTouched = false;
    // Not the job's signal: a restore that was stopped leaves the clock right as well.
    const { signal } = new AbortController();
    try {
      await this.#setClock(signal);
    } catch (error) {
      this.#clockIsOff(error);
    }
  }

  async #setClock(signal: AbortSignal): Promise<void> {
    const set = () => this.#session.fs.times.setClock(() => this.#nowMs(), signal);
    try {
      await set();
    } catch (error) {
      if (!isLoss(error)) throw error;
      await this.#session.recover(error, signal);
      await set();
    }
  }

  #nowMs(): number {
    return this.#clockMs + this.#context.clock.monotonicMs() - this.#atMs;
  }

  #clockIsOff(cause: unknown): void {
    const right = new Date(this.#nowMs());
    const weekday = (right.getUTCDay() + 6) % 7;
    const day = [right.getUTCFullYear(), right.getUTCMonth() + 1, right.getUTCDate(), weekday];
    const time = [right.getUTCHours(), right.getUTCMinutes(), right.getUTCSeconds(), 0];
    this.#voice.warn(
      'clock-off',
      `the board's clock was set for the times of files and could not be put right (${
        isBelayError(cause) ? cause.message : String(cause)
      }); it should say ${right.toISOString().slice(0, 19).replace('T', ' ')} now: machine.RTC().datetime((${[...day, ...time].join(', ')}))`,
    );
  }
}
