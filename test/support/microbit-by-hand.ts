/**
 * A micro:bit's files by plain commands at the raw prompt, over a connection of its own: none of the
 * product's own reading or writing. QEMU loses bytes on their way to the board, so every command may
 * be run twice, what was written is read again, and what is read has to come twice the same.
 */
import { isBelayError } from '../../src/core/errors.js';
import { bytesLiteral } from '../../src/device/helper-source.js';
import { parseLiteral } from '../../src/device/python-literal.js';
import { ReplSession } from '../../src/transport/repl-session.js';
import { openSerialPort } from '../../src/transport/serial-port.js';
import { realClock } from './connected-board.js';

type Run = (source: string) => Promise<string>;

const TRIES_MAX = 8;
const LIMIT_MS = 60_000;

export function writeByHand(
  path: string,
  files: Readonly<Record<string, Uint8Array | null>>,
): Promise<void> {
  return byHand(path, async (run) => {
    for (const [name, bytes] of Object.entries(files)) {
      await until(`write ${name}`, async () => {
        await run(`f=open('${name}','wb')`);
        for (const piece of piecesOf(bytes ?? new Uint8Array(0)))
          await run(`f.write(${bytesLiteral(piece)})`);
        await run('f.close()');
        return Buffer.from(await readFile(run, name)).equals(Buffer.from(bytes ?? []));
      });
    }
  });
}

export function filesByHand(path: string): Promise<Readonly<Record<string, Uint8Array>>> {
  return byHand(path, async (run) => {
    const names = await twice('listing', async () => {
      const text = (await run('import os\nprint(os.listdir())')).trim();
      return parseLiteral(text) as readonly string[];
    });
    const files: Record<string, Uint8Array> = {};
    for (const name of names)
      files[name] = Uint8Array.from(await twice(name, () => readFile(run, name)));
    return files;
  });
}

async function readFile(run: Run, name: string): Promise<Uint8Array> {
  const text = await run(
    `f=open('${name}','rb')\nwhile 1:\n d=f.read(48)\n if not d:break\n print(d)`,
  );
  const lines = text.split('\r\n').filter((line) => line !== '');
  return Buffer.concat(lines.map((line) => parseLiteral(line) as Uint8Array));
}

function piecesOf(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / 48) }, (_, at) =>
    bytes.subarray(at * 48, at * 48 + 48),
  );
}

async function until(what: string, attempt: () => Promise<boolean>): Promise<void> {
  for (let number = 1; number <= TRIES_MAX; number += 1) {
    if (await attempt().catch(passing)) return;
  }
  throw new Error(`by hand: ${what} did not work in ${TRIES_MAX} tries`);
}

async function twice<T>(what: string, ask: () => Promise<T>): Promise<T> {
  let before: { readonly answer: T } | null = null;
  let found: { readonly answer: T } | null = null;
  await until(`reading ${what}`, async () => {
    const answer = await ask();
    if (before !== null && JSON.stringify(before.answer) === JSON.stringify(answer))
      found = { answer };
    before = { answer };
    return found !== null;
  });
  return (found as unknown as { readonly answer: T }).answer;
}

/** A command that was damaged on its way: any error that the board itself may raise for it. */
function passing(error: unknown): false {
  if (isBelayError(error, 'repl/exec-failed') || error instanceof SyntaxError) return false;
  throw error;
}

async function byHand<T>(path: string, work: (run: Run) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const port = await openSerialPort(path);
  const session = new ReplSession(port, realClock);
  try {
    await session.enterRaw({ signal });
    const run = async (source: string): Promise<string> => {
      for (let number = 1; ; number += 1) {
        try {
          const output = await session.exec(source, { timeoutMs: 10_000, signal });
          return Buffer.from(output).toString('latin1');
        } catch (error) {
          // The byte that starts the command was lost: nothing ran, or its answer is unknown.
          const lost = isBelayError(error, 'repl/timeout') || isBelayError(error, 'repl/protocol');
          if (!lost || number >= TRIES_MAX) throw error;
          await session.enterRaw({ signal });
        }
      }
    };
    const result = await work(run);
    await session.exitRaw({ signal });
    return result;
  } finally {
    await port.close();
  }
}
