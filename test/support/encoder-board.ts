import { readFileSync } from 'node:fs';
import { loadMicroPython } from '@micropython/micropython-webassembly-pyscript';

/** How much memory the encoder gets; firmware-helpers/deflate.md has the choice for a board. */
export interface EncoderShape {
  readonly ringBytes: number;
  readonly slots: number;
  readonly ways: 1 | 2 | 4 | 8;
}

/** A number of bytes to compress next, `restart` (forgets the text so far) or `end`. */
export type EncoderStep = number | 'restart' | 'end';

export interface EncoderRun {
  /** What all steps wrote, joined. */
  readonly output: Uint8Array;
  /** Bytes that each step wrote. */
  readonly stepBytes: readonly number[];
}

const SHAPE: EncoderShape = { ringBytes: 8_192, slots: 1_024, ways: 4 };

/** What the encoder may write in one step of `n` bytes, beyond n; its output buffer is that long. */
export const GROWTH_MAX_BYTES = 112;

/**
 * firmware-helpers/deflate.py in a real MicroPython, as bytecode: decorator stripped, pointers are
 * the buffers themselves, so every access beyond a buffer is an IndexError.
 */
export class EncoderBoard {
  readonly #python: Awaited<ReturnType<typeof loadMicroPython>>;

  private constructor(python: Awaited<ReturnType<typeof loadMicroPython>>) {
    this.#python = python;
  }

  static async start(): Promise<EncoderBoard> {
    const python = await loadMicroPython({ heapsize: 16 * 1024 * 1024 });
    python.runPython(encoderSource().replace('@micropython.viper\n', ''));
    python.runPython(DRIVER);
    return new EncoderBoard(python);
  }

  /** Runs the steps over `input` with fresh buffers. `noise` fills them first. */
  run(input: Uint8Array, steps: readonly EncoderStep[], shape = SHAPE, noise = 0): EncoderRun {
    const numbers = steps.map((step) => (step === 'restart' ? 0 : step === 'end' ? -1 : step));
    this.#python.FS.writeFile('/input', input);
    this.#python.FS.writeFile('/steps', JSON.stringify(numbers));
    const { ringBytes, slots, ways } = shape;
    this.#python.runPython(`run(${ringBytes}, ${slots}, ${ways}, ${noise})`);
    return {
      output: Uint8Array.from(this.#python.FS.readFile('/output')),
      stepBytes: JSON.parse(
        this.#python.FS.readFile('/written', { encoding: 'utf8' }) as string,
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
    for step in json.load(open('/steps')):
        before = len(out)
        while True:
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
