/** The board's thread seen from the wire's side: its start and end, and a mirror of its flash. */

import type { MessagePort } from 'node:worker_threads';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Settings } from './board-options.js';
import type { BoardMemory } from './board-receiver.js';
import { ByteRing, CELL, CONTROL_BYTES, ringBytesFor } from './control-block.js';
import type { InterruptCells } from './interrupt.js';
import { MOUNT_MARK } from './vm-bridge.js';
import type { WorkerMessage, WorkerStart } from './vm-worker.js';
import type { WasmMemory } from './webassembly.js';

export interface StoredFile {
  readonly bytes: Uint8Array;
  readonly modifiedS: number;
}

/** What the flash holds after a power cut: files, and null for folders. */
export type FlashContent = Map<string, StoredFile | null>;

/** Where to reach a new interpreter. */
export interface StartedVm {
  readonly memory: WasmMemory;
  readonly interrupt: InterruptCells;
  readonly threadPath: string | null;
}

export interface ThreadListener {
  /** There is output, or room for input. */
  bell(): void;
  started(vm: StartedVm): void;
  watchdog(timeoutMs: number): void;
  failed(error: Error): void;
}

const CAUSE_POWER_ON = 1;

export class VmThread {
  readonly memory: BoardMemory;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #content: FlashContent;
  readonly #listener: ThreadListener;
  #received = 0;
  #ended = false;

  constructor(
    settings: Settings,
    content: FlashContent,
    listener: ThreadListener,
    resetCause = CAUSE_POWER_ON,
  ) {
    this.#content = content;
    this.#listener = listener;
    const control = new SharedArrayBuffer(CONTROL_BYTES);
    const receive = new SharedArrayBuffer(ringBytesFor(settings.receiveRingBytes));
    const transmit = new SharedArrayBuffer(ringBytesFor(settings.transmitRingBytes));
    const cells = new Int32Array(control);
    const { port1, port2 } = new MessageChannel();
    const ring = (bytes: SharedArrayBuffer, capacity: number, head: number, tail: number) =>
      new ByteRing({ bytes: new Uint8Array(bytes), capacity, cells, head, tail });
    this.memory = {
      cells,
      receive: ring(receive, settings.receiveRingBytes, CELL.rxHead, CELL.rxTail),
      transmit: ring(transmit, settings.transmitRingBytes, CELL.txHead, CELL.txTail),
    };
    const start: WorkerStart = {
      ...workerSettings(settings),
      port: port2,
      control,
      receive,
      transmit,
      content,
      resetCause,
    };
    this.#port = port1;
    port1.on('message', (message: WorkerMessage) => this.#take(message));
    // Runs from the build also when the tests run from the sources: a thread needs JavaScript.
    this.#worker = new Worker(new URL('../../dist/testing/vm-worker.js', import.meta.url), {
      workerData: start,
      transferList: [port2],
    });
    this.#worker.on('error', (error) => {
      if (!this.#ended) listener.failed(error as Error);
    });
  }

  /** Takes what the thread has posted so far, without waiting for the event loop. */
  catchUp(): void {
    const posted = Atomics.load(this.memory.cells, CELL.posted);
    while (((posted - this.#received) | 0) > 0) {
      const next = receiveMessageOnPort(this.#port);
      if (next === undefined) return;
      this.#take(next.message as WorkerMessage);
    }
  }

  /** Ends the thread wherever it is. What was committed to the flash is in the content. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
    for (;;) {
      const next = receiveMessageOnPort(this.#port);
      if (next === undefined) break;
      this.#take(next.message as WorkerMessage);
    }
    this.#port.close();
  }

  #take(message: WorkerMessage): void {
    this.#received = (this.#received + 1) | 0;
    if (message.kind === 'put') {
      this.#content.set(message.path, { bytes: message.content, modifiedS: message.modifiedS });
    } else if (message.kind === 'folder') this.#content.set(message.path, null);
    else if (message.kind === 'removed') this.#content.delete(message.path);
    else if (message.kind === 'renamed') this.#rename(message.from, message.to);
    else if (this.#ended) return;
    else if (message.kind === 'bell') this.#listener.bell();
    else if (message.kind === 'watchdog') this.#listener.watchdog(message.timeoutMs);
    else this.#listener.started(message);
  }

  #rename(from: string, to: string): void {
    const moved = [...this.#content].filter(
      ([path]) => path === from || path.startsWith(`${from}/`),
    );
    for (const [path] of moved) this.#content.delete(path);
    this.#content.delete(to);
    for (const [path, file] of moved) this.#content.set(to + path.slice(from.length), file);
  }
}

function workerSettings(settings: Settings) {
  const { dialect } = settings;
  return {
    receiveBytes: settings.receiveRingBytes,
    transmitBytes: settings.transmitRingBytes,
    geometry: settings.geometry,
    readOnly: dialect.readOnly,
    nameBytesMax: dialect.nameBytesMax,
    python: {
      machine: dialect.machine,
      uniqueIdHex: settings.uniqueIdHex,
      heapBytes: settings.heapBytes,
      epochOffsetS: dialect.epoch === 2000 ? 946_684_800 : 0,
      stdoutBuffer: dialect.stdoutBuffer,
      hiddenModules: dialect.hiddenModules,
      hiddenNames: dialect.hiddenNames,
      extraModules: dialect.extraModules,
      implementation: dialect.implementation,
      prefixedModules: dialect.prefixedModules,
      plainModules: dialect.plainModules,
      utime: dialect.utime,
      tupleLength: dialect.tupleLength,
      mountPoint: dialect.mountPoint,
      otherMounts: Object.keys(dialect.otherMounts),
    },
    firmware: settings.firmware,
    programs: dialect.programs,
    rawPaste: dialect.rawPaste,
    windowBytes: dialect.windowBytes,
    softRebootLine: dialect.softRebootLine,
    bootText: settings.bootText,
    interruptsOffInFlash: settings.interruptsOffInFlash,
    memoryPagesMax: settings.memoryPagesMax,
    clockStartS: settings.clockStartS,
  };
}

/** Content of the flash and of the other mounts as the thread holds them, in shared memory. */
export function initialContent(settings: Settings): FlashContent {
  const content: FlashContent = new Map();
  const put = (path: string, bytes: Uint8Array | null) => {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
      if (!content.has(path.slice(0, at))) content.set(path.slice(0, at), null);
    }
    if (bytes === null) return content.set(path, null);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    return content.set(path, { bytes: shared, modifiedS: settings.clockStartS });
  };
  for (const [path, bytes] of settings.files) put(path, bytes);
  for (const [mount, files] of Object.entries(settings.dialect.otherMounts)) {
    const root = MOUNT_MARK + mount.slice(1);
    put(root, null);
    for (const [path, value] of Object.entries(files)) {
      put(`${root}/${path}`, typeof value === 'string' ? new TextEncoder().encode(value) : value);
    }
  }
  return content;
}
