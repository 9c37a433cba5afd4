/**
 * The wished board's port: chosen among what is plugged in, opened, and waited for where its absence
 * may pass by itself. A board with its own USB takes its port away while it resets, and a port that
 * has just appeared belongs to root, or is probed by a modem manager, for a moment
 * (micropython/micropython#18581; udev sets group and mode after the kernel made the node).
 */
import { BelayError, cancelled, isBelayError, throwIfAborted } from '../core/errors.js';
import type { BytePort, PortDescription } from './byte-port.js';
import type { SessionClock } from './conversation.js';
import { chooseBoardPort } from './port-choice.js';
import { portAgeMs } from './port-holder.js';
import { listSerialPorts } from './port-listing.js';
import { type OpenOptions, openSerialPort } from './serial-port.js';

export { listSerialPorts };

export interface BoardPortOptions extends OpenOptions {
  readonly clock: SessionClock;
  readonly signal: AbortSignal;
  /** Wait so long for a port that another process holds. */
  readonly lockMs: number;
  /** Wait out what a reset or a new port does; false where the caller tries again by itself. */
  readonly patient: boolean;
  readonly list?: () => Promise<readonly PortDescription[]>;
  /** How long ago the system made or changed the port; null where there is none. For tests. */
  readonly ageMs?: (path: string) => number | null;
}

const PAUSE_MS = 100;
/** A board with its own USB is back after a reset within a second or two. */
const ABSENT_MS_MAX = 2000;
/** Younger than this a port may not have its owner yet, or be held by who looks at every new one. */
const NEW_PORT_MS = 2500;
const PASSING: ReadonlySet<string> = new Set(['port/permission', 'port/locked', 'port/failed']);

/**
 * `wanted` is `auto`, a path or `id:<serial number>`. Throws `usage/ambiguous-board`,
 * `port/not-found` and what openSerialPort throws.
 */
export async function openBoardPort(wanted: string, options: BoardPortOptions): Promise<BytePort> {
  const { clock, signal, list = listSerialPorts } = options;
  const startMs = clock.monotonicMs();
  let path = wanted;
  for (;;) {
    throwIfAborted(signal);
    try {
      const usb = choosePort(await list(), wanted);
      path = usb.path;
      return await openSerialPort(path, { ...options, usb });
    } catch (error) {
      if (!isBelayError(error)) throw error;
      if (clock.monotonicMs() - startMs >= patienceMs(error, { wanted, path }, options))
        throw error;
    }
    await clock.delay(PAUSE_MS, signal).catch(() => {
      throw cancelled();
    });
  }
}

function choosePort(list: readonly PortDescription[], wanted: string): PortDescription {
  const choice = chooseBoardPort(list, wanted);
  if (choice.kind === 'one') return choice.port;
  if (choice.kind === 'none')
    throw new BelayError('port/not-found', choice.message, { hint: choice.hint });
  throw new BelayError(
    'usage/ambiguous-board',
    `${choice.ports.length} boards are plugged in: ${choice.ports.map((port) => port.path).join(', ')}`,
    { hint: 'choose one with --port', details: { choices: choice.ports } },
  );
}

/** How long this failure may be waited out. A name that no board has is told at once. */
function patienceMs(
  error: BelayError,
  { wanted, path }: { readonly wanted: string; readonly path: string },
  options: BoardPortOptions,
): number {
  const { ageMs = portAgeMs, lockMs, patient } = options;
  const lock = error.code === 'port/locked' ? lockMs : 0;
  if (!patient) return lock;
  if (error.code === 'port/not-found') return isBoardName(wanted) ? ABSENT_MS_MAX : 0;
  const age = PASSING.has(error.code) && isBoardName(path) ? ageMs(path) : null;
  return age !== null && age < NEW_PORT_MS ? Math.max(lock, NEW_PORT_MS) : lock;
}

/** What boards' ports are called: Linux, macOS, Windows, and udev's own names for them. */
function isBoardName(wanted: string): boolean {
  return /^(?:id:.|\/dev\/tty(?:ACM|USB)\d|\/dev\/(?:cu|tty)\.(?:usb|wch|SLAB)|\/dev\/serial\/by-|(?:\\\\\.\\)?COM\d)/i.test(
    wanted,
  );
}
