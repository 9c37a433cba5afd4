/** A bare conversation with a prompt, independent of the product's own session. */
import type { VirtualBoardOptions } from '../../src/testing/index.js';
import { VirtualBoard } from '../../src/testing/index.js';
import type { BytePort } from '../../src/transport/byte-port.js';

const RAW_BANNER = 'raw REPL; CTRL-B to exit\r\n>';

export class ReplTalk {
  readonly port: BytePort;
  #chunks: Buffer[] = [];
  #wake: (() => void) | null = null;
  closed: unknown;

  constructor(port: BytePort) {
    this.port = port;
    port.setReceiver({
      data: (bytes) => {
        this.#chunks.push(Buffer.from(bytes));
        this.#wake?.();
      },
      closed: (error) => {
        this.closed = error;
        this.#wake?.();
      },
    });
  }

  /** Everything up to and with `mark`, one character a byte. */
  async until(mark: string, limitMs = 10_000): Promise<string> {
    const wanted = Buffer.from(mark, 'latin1');
    const endMs = performance.now() + limitMs;
    for (;;) {
      const all = Buffer.concat(this.#chunks);
      const at = all.indexOf(wanted);
      if (at >= 0) {
        this.#chunks = [all.subarray(at + wanted.length)];
        return all.subarray(0, at + wanted.length).toString('latin1');
      }
      this.#chunks = [all];
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        const tail = JSON.stringify(all.subarray(-300).toString('latin1'));
        throw new Error(`no ${JSON.stringify(mark)}, but ${tail}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async write(text: string): Promise<void> {
    await this.port.write(Buffer.from(text, 'latin1'));
  }

  /** Interrupts until the prompt answers, then raw mode. */
  async enterRaw(): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await this.write('\r\x03\x03');
      if (
        await this.until('>>> ', 250).then(
          () => true,
          () => false,
        )
      )
        break;
    }
    await this.write('\r\x01');
    await this.until(RAW_BANNER);
  }

  /** Output and error of a program. */
  async exec(source: string, limitMs?: number): Promise<{ output: string; error: string }> {
    await this.write(`${source}\x04`);
    await this.until('OK', limitMs);
    const output = await this.until('\x04', limitMs);
    const error = await this.until('\x04>', limitMs);
    return { output: output.slice(0, -1), error: error.slice(0, -2) };
  }

  /** The output of a program that must not fail. */
  async output(source: string, limitMs?: number): Promise<string> {
    const { output, error } = await this.exec(source, limitMs);
    if (error !== '') throw new Error(error);
    return output;
  }

  async softReset(): Promise<string> {
    await this.write('\x04');
    return this.until(RAW_BANNER);
  }
}

/** A board at its raw prompt. */
export async function rawBoard(options: VirtualBoardOptions = {}) {
  const board = await VirtualBoard.start({ files: {}, ...options });
  const talk = new ReplTalk(board.port());
  await talk.enterRaw();
  return { board, talk };
}
