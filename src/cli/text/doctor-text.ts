/** What doctor says about the rungs that were chosen, and why. */
import type { BelayError } from '../../core/errors.js';
import type { BoardInfo } from '../../device/device-fs.js';

/** The ways to do one thing, best first, each with what made it the one. */
const LADDERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  source: {
    deflated: 'deflate.DeflateIO is there',
    packed: 'there is no deflate, but memory for packed text',
    plain: 'there is little memory, or shorter ones did not arrive',
  },
  output: {
    raw: 'sys.stdout.buffer is there',
    base64: 'sys.stdout has no buffer, binascii has base64',
    hex: 'sys.stdout has no buffer, binascii no base64',
    repr: 'sys.stdout has no buffer, and there is no binascii',
  },
  input: {
    raw: 'sys.stdin.buffer is there',
    text: 'sys.stdin has no buffer',
    literal: 'nothing can be read from stdin by a program here',
  },
  listing: {
    ilistdir: 'os.ilistdir is there',
    listdir: 'there is no os.ilistdir',
    'listdir and size': 'there is neither os.ilistdir nor os.stat',
  },
  hash: {
    sha256: 'hashlib.sha256 is there',
    new: 'hashlib has new() alone',
    crc32: 'there is no sha256',
    none: 'there is neither sha256 nor crc32: contents are read twice and compared',
  },
  frameCheck: {
    crc32: 'binascii.crc32 is there',
    sha256: 'there is no binascii.crc32',
    fletcher: 'there is neither crc32 nor sha256',
  },
  inflate: {
    deflate: 'deflate.DeflateIO is there',
    zlib: 'zlib can decompress, there is no deflate',
    null: 'no module can decompress: files are sent as they are',
  },
};

/** One answer of the probe: what it is, why, and what the other rungs would have been. */
export function rungText(question: string, answer: unknown): string {
  if (question === 'watchdogs') return watchdogText(Number(answer));
  const ladder = LADDERS[question];
  if (ladder === undefined) return String(answer);
  const name = answer === null ? 'none' : String(answer);
  const why = ladder[String(answer)];
  const ways = Object.keys(ladder).map((way) => (way === 'null' ? 'none' : way));
  return `${name}${why === undefined ? '' : `, since ${why}`} (of ${ways.join(', ')})`;
}

function watchdogText(count: number): string {
  if (count === 0) return 'none found; one that is hidden would reset the board during long work';
  return `${count} found, fed while Belay works`;
}

/**
 * What to do where a step failed. A board that answered and then was gone has lost its cable or was
 * reset: no probe finds a watchdog that a program hides in a function.
 */
export function adviceFor(error: BelayError): string | null {
  const { lastBytes } = error.details;
  const answered = typeof lastBytes === 'string' && lastBytes.includes('raw REPL');
  if (!answered) return error.hint;
  const watchdog =
    'where it ends like this each time, a watchdog of the program may be resetting the board: press reset and try again at once, or rename main.py from another tool';
  return error.hint === null ? watchdog : `${error.hint}; ${watchdog}`;
}

/** Whether files could be restored: CircuitPython's drive belongs to one side at a time. */
export function writingText(info: BoardInfo): string {
  const locked = info.mounts.some((mount) => mount.path === '' && mount.readOnly === true);
  if (locked) {
    return 'the file system is read-only for Python while the drive is mounted: a backup works; for a restore remount it in boot.py (storage.remount), or run storage.unsafe_disable_usb_drive() on 10.3 and newer';
  }
  return info.atomicRename
    ? 'files are replaced in one step'
    : 'files are not replaced in one step (FAT)';
}

/** The native part that inflates. */
export function inflateText(engine: string): string {
  return engine === 'zlib-sync'
    ? 'zlib-sync (native)'
    : 'fflate: zlib-sync was not built here; slower, nothing else is missing (npm rebuild zlib-sync needs a compiler)';
}
