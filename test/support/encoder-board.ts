import { readFileSync } from 'node:fs';

/** How much memory the encoder gets; firmware-helpers/deflate.md has the choice for a board. */
export interface EncoderShape {
  readonly ringBytes: number;
  readonly slots: number;
  readonly ways: 1 | 2 | 4 | 8;
}

/**
 * A number of bytes to compress next; `restart`: forgets the text so far; `repeat`: goes back to
 * the last restart, input included, as a board does for a gap; `end`.
 */
export type EncoderStep = number | 'restart' | 'repeat' | 'end';

const STEP_NUMBERS = { restart: 0, repeat: -2, end: -1 };

export interface EncoderRun {
  /** What all steps wrote, joined. */
  readonly output: Uint8Array;
  /** Bytes that each step wrote. */
  readonly stepBytes: readonly number[];
}

/** What is used here of a package that brings no types. */
interface MicroPython {
  readonly FS: {
    writeFile(path: string, content: Uint8Array | string): void;
    readFile(path: string): Uint8Array;
  };
  runPython(source: string): unknown;
}
interface MicroPythonModule {
  loadMicroPython(options: { heapsize: number }): Promise<MicroPython>;
}
const MICROPYTHON: string = '@micropython/micropython-webassembly-pyscript';

const SHAPE: EncoderShape = { ringBytes: 8_192, slots: 1_024, ways: 4 };

/** What the encoder may write in one step of `n` bytes, beyond n; its output buffer is that long. */
export const GROWTH_MAX_BYTES = 112;

/**
 * firmware-helpers/deflate.py in a real MicroPython, as bytecode: decorator stripped, pointers are
 * the buffers themselves, so every access beyond a buffer is an IndexError.
 */
export class EncoderBoard {
  readonly #python: MicroPython;

  private constructor(python: MicroPython) {
    this.#python = python;
  }

  static async start(): Promise<EncoderBoard> {
    const { loadMicroPython } = (await import(MICROPYTHON)) as MicroPythonModule;
    const python = await loadMicroPython({ heapsize: 16 * 1024 * 1024 });
    python.runPython(encoderSource().replace('@micropython.viper\n', ''));
    python.runPython(DRIVER);
    return new EncoderBoard(python);
  }

  /** Runs the steps over `input` with fresh buffers. `noise` fills them first. */
  run(input: Uint8Array, steps: readonly EncoderStep[], shape = SHAPE, noise = 0): EncoderRun {
    const numbers = steps.map((step) => (typeof step === 'number' ? step : STEP_NUMBERS[step]));
    this.#python.FS.writeFile('/input', input);
    this.#python.FS.writeFile('/steps', JSON.stringify(numbers));
    const { ringBytes, slots, ways } = shape;
    this.#python.runPython(`run(${ringBytes}, ${slots}, ${ways}, ${noise})`);
    return {
      output: Uint8Array.from(this.#python.FS.readFile('/output')),
      stepBytes: JSON.parse(
        new TextDecoder().decode(this.#python.FS.readFile('/written')),
      ) as number[],
    };
  }

  /** All of `input` in steps of `chunkBytes`, and the end. */
  compress(input: Uint8Array, chunkBytes: number, shape = SHAPE): Uint8Array {
    return this.run(input, stepsOf(input.length, chunkBytes), shape).output;
  }
}

export function encoderSource(): string {
  return readFileSync(new URL('../../firmware-helpers/deflate.py', import.meta.url), 'utf8');
}

export function stepsOf(sizeBytes: number, chunkBytes: number): EncoderStep[] {
  const steps: EncoderStep[] = [];
  for (let at = 0; at < sizeBytes; at += chunkBytes)
    steps.push(Math.min(chunkBytes, sizeBytes - at));
  return [...steps, 'end'];
}

const DRIVER = `
import json
from array import array
def run(ring, slots, ways, noise):
    data = open('/input', 'rb').read()
    r = bytearray(bytes([noise]) * ring)
    S = array('H', bytes(2 * (448 + slots * ways)))
    S[5] = ring - 1
    S[6] = (slots - 1) * ways
    S[7] = ways - 1
    compress_codes(S)
    out = bytearray()
    at = 0
    written = []
    d = bytearray()
    for step in json.load(open('/steps')):
        before = len(out)
        if step == 0:
            kept = S[2], S[3], S[4], at
        if step == -2:
            compress(r, 0, d, S)
            S[2], S[3], S[4], at = kept
        while step > -2:
            n = step if step < 1 else min(step, ring - S[0])
            if n > 0:
                r[S[0]:S[0] + n] = data[at:at + n]
            d = bytearray(max(n, 0) + ${GROWTH_MAX_BYTES} if n > 0 else 4)
            S[1] = 0
            out += d[:compress(r, n, d, S)]
            at += max(n, 0)
            step -= n
            if step < 1:
                break
        written.append(len(out) - before)
    open('/output', 'wb').write(out)
    json.dump(written, open('/written', 'w'))
`;
