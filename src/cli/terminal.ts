/** The two output streams, what they can show, and questions. */
import { createInterface } from 'node:readline';
import { BelayError, cancelled } from '../core/errors.js';
import { canColour, canShowScreen, speaksUnicode } from '../ui/screen-fitness.js';

export interface Style {
  readonly colour: boolean;
  readonly unicode: boolean;
}

export interface TerminalWishes {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly plain: boolean;
  readonly color: boolean;
  readonly yes: boolean;
}

type Streams = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr' | 'env' | 'platform'>;

/**
 * Results go to stdout, everything else to stderr. A reader that goes away (`| head`) is no error:
 * what would have been written is dropped, and the job is not disturbed. A disk that is full behind
 * `> file` is one: see `outFailure`.
 */
export class Terminal {
  readonly style: Style;
  readonly errorStyle: Style;
  readonly #streams: Streams;
  readonly #wishes: TerminalWishes;
  #outGone = false;
  #errGone = false;
  #outFailure: BelayError | null = null;

  constructor(streams: Streams, wishes: TerminalWishes) {
    this.#streams = streams;
    this.#wishes = wishes;
    const unicode = speaksUnicode({ env: streams.env, platform: streams.platform });
    this.style = { colour: this.#colourOn(streams.stdout.isTTY), unicode };
    this.errorStyle = { colour: this.#colourOn(streams.stderr.isTTY), unicode };
    streams.stdout.on('error', (error) => this.#outEnds(error));
    streams.stderr.on('error', () => {
      this.#errGone = true;
    });
  }

  get outGone(): boolean {
    return this.#outGone;
  }

  out(line: string): void {
    if (!this.#outGone) this.#streams.stdout.write(`${line}\n`);
  }

  err(line: string): void {
    if (!this.#errGone) this.#streams.stderr.write(`${line}\n`);
  }

  /** Raw bytes; resolves when the reader has taken them. False: nobody reads any more. */
  async outBytes(bytes: Uint8Array): Promise<boolean> {
    if (this.#outGone) return false;
    return new Promise((resolve) => {
      this.#streams.stdout.write(bytes, (error) => {
        if (error) this.#outEnds(error);
        resolve(!error);
      });
    });
  }

  /** Why a result could not be written in full; null where it was, or where nobody reads it. */
  get outFailure(): BelayError | null {
    return this.#outFailure;
  }

  #outEnds(error: NodeJS.ErrnoException): void {
    this.#outGone = true;
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return;
    const code = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'store/full' : 'store/io';
    this.#outFailure ??= new BelayError(code, `cannot write to stdout: ${error.message}`, {
      hint: 'what has been written there is not whole',
      cause: error,
    });
  }

  /** What was written has left the process, or nobody takes it (waits a second at most). */
  async flush(): Promise<void> {
    const { stdout, stderr } = this.#streams;
    await Promise.all([drained(stdout, this.#outGone), drained(stderr, this.#errGone)]);
  }

  get canShowScreen(): boolean {
    const { stdout, stderr, env, platform } = this.#streams;
    if (this.#wishes.json || this.#wishes.quiet || this.#wishes.plain) return false;
    return canShowScreen({
      stdoutIsTerminal: stdout.isTTY === true,
      stderrIsTerminal: stderr.isTTY === true,
      columns: stderr.columns ?? 0,
      rows: stderr.rows ?? 0,
      env,
      platform,
    });
  }

  get screenStreams(): { stream: NodeJS.WriteStream; input: NodeJS.ReadStream } {
    return { stream: this.#streams.stderr, input: this.#streams.stdin };
  }

  get canAsk(): boolean {
    const { stdin, stderr } = this.#streams;
    return stdin.isTTY === true && stderr.isTTY === true && !this.#wishes.json;
  }

  /**
   * True for yes. `-y` answers; without a terminal throws usage/unanswered, never guesses; a no, the
   * end of the input or Ctrl-C throws job/cancelled.
   */
  async confirm(question: string, signal: AbortSignal): Promise<void> {
    if (this.#wishes.yes) return;
    if (!this.canAsk) throw unanswered(question, 'add --yes to go on, or --dry-run to look only');
    const answer = await this.#ask(`${question} [y/N] `, signal);
    if (!/^y(es)?$/i.test(answer.trim())) {
      throw new BelayError('job/cancelled', 'not confirmed; nothing was changed');
    }
  }

  /** Index of what was chosen. Asks again after an answer that is no number of the list. */
  async choose(
    question: string,
    choices: readonly string[],
    hint: string,
    signal: AbortSignal,
  ): Promise<number> {
    if (!this.canAsk) throw unanswered(question, hint);
    choices.forEach((choice, at) => {
      this.err(`  ${at + 1}  ${choice}`);
    });
    for (let round = 0; round < 5; round += 1) {
      const typed = Number((await this.#ask(`${question} [1-${choices.length}] `, signal)).trim());
      if (Number.isInteger(typed) && typed >= 1 && typed <= choices.length) return typed - 1;
    }
    throw unanswered(question, hint);
  }

  #ask(question: string, signal: AbortSignal): Promise<string> {
    const { stdin, stderr } = this.#streams;
    const reader = createInterface({ input: stdin, output: stderr, terminal: true });
    let open = true;
    return new Promise<string>((resolve, reject) => {
      const stop = () => {
        // What is printed next must not stand behind the question.
        if (open) this.err('');
        open = false;
        reject(cancelled());
      };
      reader.once('close', stop);
      reader.once('SIGINT', stop);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      reader.question(question, (answer) => {
        open = false;
        resolve(answer);
      });
    }).finally(() => {
      reader.close();
    });
  }

  #colourOn(isTerminal: boolean | undefined): boolean {
    return this.#wishes.color && canColour(isTerminal === true, this.#streams.env);
  }
}

function unanswered(question: string, hint: string): BelayError {
  return new BelayError('usage/unanswered', `${question} Nobody can answer: this is no terminal`, {
    hint,
  });
}

const FLUSH_MS_MAX = 1_000;

function drained(stream: NodeJS.WriteStream, gone: boolean): Promise<void> {
  if (gone || stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FLUSH_MS_MAX);
    stream.write('', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
