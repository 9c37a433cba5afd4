/**
 * The only place where real parts are joined: ports, the virtual board, the folder of backups, the
 * clock, randomness, the environment. What talks to a board is loaded when a board is wanted, so
 * that questions about the folder start fast.
 */
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { BelayError, cancelled } from './core/errors.js';
import type { EventListener } from './core/events.js';
import type { BoardConnection } from './device/device-fs.js';
import type { Connect, ConnectOptions, JobClock, JobContext } from './jobs/context.js';
import type { DevicesParts } from './jobs/devices.js';
import type { BackupFolder } from './store/backup-folder.js';
import { openBackupFolder } from './store/disk-folder.js';
import type { BytePort } from './transport/byte-port.js';
import type { TrafficListener } from './transport/repl-session.js';

export interface PortWish {
  /** `auto`, a path, `id:<serial number>`, `virtual`, `virtual:<folder>`. Default: BELAY_PORT, else `auto`. */
  readonly port?: string | undefined;
  /** Default 115200. */
  readonly baud?: number | undefined;
  /** Experimental: raise a UART to this speed for the length of the job. */
  readonly fastBaud?: number | undefined;
  /** Wait this long for a port that another process holds; default 0. */
  readonly retryLockMs?: number | undefined;
  /** The caller tries again until a board is there: every try ends at once. */
  readonly waits?: boolean | undefined;
  /** Modem lines after opening, in place of what fits the adapter; null leaves one as it is. */
  readonly lines?: { readonly dtr: boolean | null; readonly rts: boolean | null } | undefined;
  /** Hears every byte of the conversation, for a transcript. */
  readonly onTraffic?: TrafficListener | undefined;
}

/** A port that is open, and what has to be done once the board has been left. */
interface OpenPort {
  readonly port: BytePort;
  readonly ended: () => Promise<void>;
}

/** A way to the wished board; nothing is opened before it is called. */
export function connectorFor(wish: PortWish, context: JobContext): Connect {
  return async ({ signal, expectUniqueId, ...rest }) => {
    // Loaded before the port is open: from then on it must never wait for long to be read.
    await import('./device/board.js');
    // Whoever looks for a board that was lost, or waits for one, tries again by himself.
    const patient = wish.waits !== true && expectUniqueId === undefined;
    const { port, ended } = await openPort(wish, context, signal, patient);
    try {
      const connection = await talkTo(port, wish, context, { signal, ...rest });
      const board = leavingWith(connection, ended);
      if (expectUniqueId === undefined || board.info.uniqueId === expectUniqueId) return board;
      await board.leave('leave');
      throw new BelayError(
        'board/other',
        `another board is on ${port.name}: ${board.info.uniqueId ?? 'one without an id'}`,
        {
          hint: 'plug the board back in that the run began with',
          details: { expected: expectUniqueId, found: board.info.uniqueId },
        },
      );
    } catch (error) {
      await ended();
      throw error;
    }
  };
}

async function talkTo(
  port: BytePort,
  wish: PortWish,
  context: JobContext,
  options: ConnectOptions,
): Promise<BoardConnection> {
  const { connectBoard } = await import('./device/board.js');
  return connectBoard(port, {
    clock: context.clock,
    random: context.randomHex,
    ...options,
    ...(wish.baud === undefined ? {} : { baud: wish.baud }),
    ...(wish.fastBaud === undefined ? {} : { fastBaud: wish.fastBaud }),
    ...(wish.onTraffic === undefined ? {} : { onTraffic: wish.onTraffic }),
  });
}

function leavingWith(connection: BoardConnection, ended: () => Promise<void>): BoardConnection {
  return {
    fs: connection.fs,
    info: connection.info,
    portName: connection.portName,
    usbSerial: connection.usbSerial,
    programInterrupted: connection.programInterrupted,
    counters: () => connection.counters(),
    leave: async (after) => {
      try {
        await connection.leave(after);
      } finally {
        await ended();
      }
    },
  };
}

async function openPort(
  wish: PortWish,
  context: JobContext,
  signal: AbortSignal,
  patient: boolean,
): Promise<OpenPort> {
  const wanted = wish.port ?? (process.env.BELAY_PORT || 'auto');
  if (wanted === 'virtual' || wanted.startsWith('virtual:')) return openVirtual(wanted, context);
  const { nativePorts } = await import('./transport/native-ports.js');
  const { openBoardPort } = await nativePorts();
  const port = await openBoardPort(wanted, {
    ...(wish.lines === undefined ? {} : { lines: wish.lines }),
    ...(wish.baud === undefined ? {} : { baudRate: wish.baud }),
    clock: context.clock,
    signal,
    lockMs: wish.retryLockMs ?? 0,
    patient,
  });
  return { port, ended: async () => {} };
}

async function openVirtual(wanted: string, context: JobContext): Promise<OpenPort> {
  const { startFolderBoard, VirtualBoard } = await import('./testing/index.js');
  const folder = wanted.slice('virtual:'.length);
  if (wanted !== 'virtual' && folder === '') {
    throw new BelayError('usage/invalid', '--port virtual: needs a folder', {
      hint: 'write virtual:<folder>, or virtual alone',
    });
  }
  const board =
    wanted === 'virtual'
      ? await VirtualBoard.start()
      : await startFolderBoard(resolve(folder), {
          onSkipped: (paths) => {
            for (const path of paths)
              context.emit({
                type: 'warning',
                code: 'not-on-board',
                message: `${path} is neither a file nor a folder: left out`,
                path,
              });
          },
        }).catch((error: unknown) => {
          throw unusableFolder(folder, error);
        });
  return { port: named(board.port(), wanted), ended: () => board.stop() };
}

/** What the disk says of the folder that should be a board. */
function unusableFolder(folder: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST' || code === 'ENOTDIR')
    return new BelayError('usage/invalid', `--port virtual:${folder}: not a folder`);
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  return new BelayError('port/permission', `--port virtual:${folder}: ${message}`);
}

/** Shown as the user wrote it. */
function named(port: BytePort, name: string): BytePort {
  return {
    name,
    usb: port.usb,
    setReceiver: (receiver) => port.setReceiver(receiver),
    write: (bytes) => port.write(bytes),
    setBaud: (baud) => port.setBaud(baud),
    setSignals: (signals) => port.setSignals(signals),
    close: () => port.close(),
  };
}

/** For `devices`. */
export function devicesParts(
  wish: PortWish,
  context: JobContext,
  store: BackupFolder | null,
): DevicesParts {
  return {
    store,
    listPorts: async () => {
      const { nativePorts } = await import('./transport/native-ports.js');
      const { listSerialPorts } = await nativePorts();
      const { isLikelyBoard } = await import('./transport/port-choice.js');
      const listed = (await listSerialPorts()).map((port) => ({
        ...port,
        likelyBoard: isLikelyBoard(port),
      }));
      // A port that the system does not list (a pseudo-terminal, the virtual board) but the user names.
      const named = wish.port ?? 'auto';
      const isListed = named === 'auto' || listed.some((port) => port.path === named);
      if (isListed || named.startsWith('id:')) return listed;
      const unknown = { vendorId: null, productId: null, serialNumber: null };
      const nameless = { manufacturer: null, product: null };
      return [...listed, { path: named, ...unknown, ...nameless, likelyBoard: true }];
    },
    connectTo: (path) => connectorFor({ ...wish, port: path }, context),
  };
}

/** `folder`, else BELAY_DIR, else ~/belay-backups; absolute. */
export function backupFolderPath(folder?: string): string {
  const named = folder ?? process.env.BELAY_DIR;
  return named === undefined || named === '' ? join(homedir(), 'belay-backups') : resolve(named);
}

/** The folder of backups on this computer's disk; nothing is made before something is written. */
export function openStore(folder?: string): BackupFolder {
  return openBackupFolder(backupFolderPath(folder), {
    clock: systemClock,
    randomHex,
    processes: { pid: process.pid, isAlive },
  });
}

/** Signal 0 asks whether a process is there; EPERM says that it is and belongs to somebody else. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

const systemClock: JobClock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  utcOffsetMinutes: (at) => 0 - at.getTimezoneOffset(),
  delay: async (ms, signal) => {
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    } catch {
      throw cancelled();
    }
  },
};

/** The real clock and real randomness. */
export function systemContext(options: {
  readonly signal: AbortSignal;
  readonly emit: EventListener;
}): JobContext {
  return {
    clock: systemClock,
    randomHex,
    signal: options.signal,
    emit: options.emit,
    pid: process.pid,
  };
}

/**
 * The folder that an archive lies in, for callers that have its path and nothing else: what it is
 * built on lies beside it.
 */
export function openStoreOf(archivePath: string): BackupFolder {
  const folder = dirname(resolve(archivePath));
  return openStore(basename(folder) === 'safety' ? dirname(folder) : folder);
}

/** A way to a board behind a port that the caller opens: the virtual board, a port over a network. */
export function connectorThrough(open: () => Promise<BytePort>, context: JobContext): Connect {
  return async ({ signal, expectUniqueId, ...rest }) => {
    const connection = await talkTo(await open(), {}, context, { signal, ...rest });
    if (expectUniqueId === undefined || connection.info.uniqueId === expectUniqueId)
      return connection;
    await connection.leave('leave');
    throw new BelayError('board/other', `another board is on ${connection.portName}`);
  };
}
