/** The parts of the agent: which are on the board, and how the others get there, each once. */
import { LONG_CALL_SILENCE_MS_MAX } from '../core/limits.js';
import type { ReplSession } from '../transport/repl-session.js';
import { bootSum, helperPart, toldExec } from './helper-source.js';
import { execIn, type SourceForm } from './source-form.js';
import { tildeLines } from './tiny-answers.js';

/** A file of firmware-helpers, or text made for this job that is sent once under its name. */
export type AgentPart = string | { readonly name: string; readonly source: string };

export class AgentParts {
  readonly #loaded = new Set<string>();
  /** How sources go to this board. */
  form: SourceForm = 'plain';

  has(name: string): boolean {
    return this.#loaded.has(name);
  }

  get isEmpty(): boolean {
    return this.#loaded.size === 0;
  }

  /** They came with the first exec. */
  add(names: readonly string[]): void {
    for (const name of names) this.#loaded.add(name);
  }

  /** The board was reset: nothing is there any more. */
  forget(): void {
    this.#loaded.clear();
  }

  /** Parts not yet on the board, with `source` behind them, as one exec; `loaded` is for when it ran. */
  before(
    parts: readonly AgentPart[],
    source: string,
  ): { readonly source: string | Uint8Array; loaded(): void } {
    const absent = this.#absent(parts);
    const text = [...absent.map(sourceOfPart), source].join('\n');
    return {
      source: execIn(this.form, text),
      loaded: () => this.add(absent.map(nameOfPart)),
    };
  }

  /**
   * Compiling takes the more memory the longer the source is; in pieces still smaller, what stays of
   * each lies between the free ones. What came damaged is still absent afterwards.
   */
  async loadOneByOne(
    session: ReplSession,
    parts: readonly AgentPart[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const part of this.#absent(parts)) {
      const source = sourceOfPart(part);
      const options = { timeoutMs: LONG_CALL_SILENCE_MS_MAX, signal };
      const output = await session.exec(toldExec(source), options);
      const sum = String(bootSum(Buffer.from(source)));
      if (tildeLines(output).includes(sum)) this.#loaded.add(nameOfPart(part));
    }
  }

  #absent(parts: readonly AgentPart[]): readonly AgentPart[] {
    return parts.filter((part) => !this.#loaded.has(nameOfPart(part)));
  }
}

function nameOfPart(part: AgentPart): string {
  return typeof part === 'string' ? part : part.name;
}

function sourceOfPart(part: AgentPart): string {
  return typeof part === 'string' ? helperPart(part) : part.source;
}
