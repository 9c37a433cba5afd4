/** The times of files: through os.utime, or by the clock that the board dates its files with. */
import { BelayError } from '../core/errors.js';
import type { Agent } from './agent.js';
import { epochOffsetS } from './board-epoch.js';
import type {
  ApplyOptions,
  BoardInfo,
  BoardOperation,
  BoardTimes,
  TimesRung,
} from './device-fs.js';
import { checkedExec, shortName } from './helper-source.js';
import { tildeLines } from './tiny-answers.js';
import type { UploadStep } from './upload-steps.js';

/** time.localtime of small boards goes no further than a 31-bit number of seconds. */
const SECONDS_MAX = 2 ** 31 - 1;
const CLOCK_MS_MAX = 8000;

const RUNG = `try:x=len(machine.RTC().datetime())>7
except Exception:x=0
print('~',hasattr(os,'utime'),x==1)`;

/** Where nothing dates a file: a micro:bit, and whatever has neither os.utime nor a clock. */
export const NO_TIMES: BoardTimes = {
  rung: async () => 'none',
  clockMs: async () => 0,
  setClock: async () => {},
};

export class AgentTimes implements BoardTimes {
  readonly #agent: Agent;
  readonly #offsetS: number;
  #rung: TimesRung | null = null;

  constructor(agent: Agent, info: BoardInfo) {
    this.#agent = agent;
    this.#offsetS = epochOffsetS(info);
  }

  async rung(signal: AbortSignal): Promise<TimesRung> {
    if (this.#rung !== null) return this.#rung;
    const source = checkedExec(RUNG);
    const output = await this.#agent.session.exec(source, { timeoutMs: CLOCK_MS_MAX, signal });
    const [utime, clock] = (tildeLines(output).at(-1) ?? '').split(' ');
    this.#rung = utime === 'True' ? 'utime' : clock === 'True' ? 'clock' : 'none';
    return this.#rung;
  }

  async clockMs(signal: AbortSignal): Promise<number> {
    return 1000 * (this.#offsetS + (await this.#ask(`${shortName('read_clock')}()`, signal)));
  }

  async setClock(nowMs: () => number, signal: AbortSignal): Promise<void> {
    const now = nowMs();
    const second = Math.floor(now / 1000) + 1;
    const moment = second - this.#offsetS;
    const call = `${shortName('right_clock')}(${Math.ceil(second * 1000 - now)},${moment})`;
    const says = await this.#ask(call, signal);
    if (Math.abs(says - moment) > 1)
      throw new BelayError('board/file', "the board's clock does not take the time it is set to");
  }

  async #ask(call: string, signal: AbortSignal): Promise<number> {
    const exec = this.#agent.withParts([TIME_PARTS.clock], call);
    const output = await this.#agent.session.exec(exec.source, { timeoutMs: CLOCK_MS_MAX, signal });
    const seconds = Number(tildeLines(output).at(-1));
    if (!Number.isInteger(seconds))
      throw new BelayError('board/integrity', "the board's answer about its clock was damaged");
    exec.loaded();
    return seconds;
  }
}

/** The agent's part for each way. */
export const TIME_PARTS = { utime: 'time-utime', clock: 'time-clock' } as const;

/**
 * Steps that give each file its time among those that write it: the clock is set before a file is
 * written, os.utime comes when all have their names. Times before the board's epoch cannot be set.
 */
export function withTimes(
  steps: readonly UploadStep[],
  times: ApplyOptions['times'],
  info: BoardInfo,
): readonly UploadStep[] {
  if (times === undefined) return steps;
  const [meaning, kind] = ['none', 'time'] as const;
  const timed = (operation: BoardOperation | null, path: string): readonly UploadStep[] => {
    if (operation?.kind !== 'put') return [];
    const onBoard = (at: number) => Math.floor(at) - epochOffsetS(info);
    const canBe = (seconds: number) => seconds > 0 && seconds <= SECONDS_MAX;
    const wanted = operation.modifiedS === null ? 0 : onBoard(operation.modifiedS);
    const step = (seconds: number) => ({ operation, meaning, kind, path, seconds });
    if (canBe(wanted)) return [step(wanted)];
    // The clock stands at the time of the file before.
    return times.rung === 'clock' ? [step(onBoard(times.nowS))] : [];
  };
  if (times.rung === 'clock')
    return steps.flatMap((step) =>
      step.kind === 'put' ? [...timed(step.operation, step.path), step] : [step],
    );
  const puts = new Set(steps.flatMap((step) => (step.kind === 'put' ? [step.operation] : [])));
  return [...steps, ...[...puts].flatMap((put) => timed(put, put?.path ?? ''))];
}
