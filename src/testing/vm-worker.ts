/**
 * The board's thread: holds the flash, starts the interpreter again for every reset, and never
 * returns to its event loop while Python runs.
 */
import { readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { workerData } from 'node:worker_threads';
import { bytesOfPath } from '../core/device-path.js';
import { ByteRing, CELL } from './control-block.js';
import { FlashHandles } from './flash-handles.js';
import type { FlashGeometry } from './flash-space.js';
import { FlashSpace } from './flash-space.js';
import type { FlashJournal } from './flash-tree.js';
import { FlashTree } from './flash-tree.js';
import type { InterruptCells } from './interrupt.js';
import { interruptPending } from './interrupt.js';
import { stallThread, Uart } from './uart.js';
import { BoardClock, bridgeModule, WorkingFolder } from './vm-bridge.js';
import type { RawPasteMode } from './vm-console.js';
import { BoardConsole } from './vm-console.js';
import { ResetRequest, StatLayout, systemImports } from './vm-imports.js';
import type { LoadMicroPython, VmInstance } from './vm-instance.js';
import { compileShared, instantiate } from './vm-instance.js';
import type { PythonProfile } from './vm-python.js';
import { setupSource } from './vm-python.js';
import type { WasmMemory } from './webassembly.js';

/** What the wire's side hands to the thread. */
export interface WorkerStart {
  readonly port: MessagePort;
  readonly control: SharedArrayBuffer;
  readonly receive: SharedArrayBuffer;
  readonly receiveBytes: number;
  readonly transmit: SharedArrayBuffer;
  readonly transmitBytes: number;
  /** Files (bytes) and folders (null) by path. */
  readonly content: ReadonlyMap<string, { bytes: Uint8Array; modifiedS: number } | null>;
  readonly geometry: FlashGeometry;
  readonly readOnly: boolean;
  readonly nameBytesMax: number;
  readonly python: PythonProfile;
  readonly firmware: string;
  readonly programs: readonly [string, string];
  readonly rawPaste: RawPasteMode;
  readonly windowBytes: number;
  readonly softRebootLine: string;
  readonly bootText: string;
  readonly interruptsOffInFlash: boolean;
  readonly memoryPagesMax: number;
  readonly clockStartS: number;
  readonly resetCause: number;
}

/** What the thread tells the wire's side. */
export type WorkerMessage =
  | { readonly kind: 'bell' }
  | { readonly kind: 'watchdog'; readonly timeoutMs: number }
  | {
      readonly kind: 'started';
      readonly memory: WasmMemory;
      readonly interrupt: InterruptCells;
      /** The thread's folder below /proc, where there is one. */
      readonly threadPath: string | null;
    }
  | { readonly kind: 'put'; path: string; content: Uint8Array; modifiedS: number }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'removed'; readonly path: string }
  | { readonly kind: 'renamed'; readonly from: string; readonly to: string };

const WASM_HEAP_BYTES = 1 << 20;

const start = workerData as WorkerStart;
const cells = new Int32Array(start.control);
const ring = (bytes: SharedArrayBuffer, capacity: number, head: number, tail: number) =>
  new ByteRing({ bytes: new Uint8Array(bytes), capacity, cells, head, tail });

function post(message: WorkerMessage): void {
  Atomics.add(cells, CELL.posted, 1);
  start.port.postMessage(message);
}

let instance: VmInstance | null = null;

function interrupted(): boolean {
  return instance !== null && interruptPending(instance.memory, instance.interrupt);
}

const uart = new Uart({
  cells,
  receive: ring(start.receive, start.receiveBytes, CELL.rxHead, CELL.rxTail),
  transmit: ring(start.transmit, start.transmitBytes, CELL.txHead, CELL.txTail),
  ringBell: () => post({ kind: 'bell' }),
  interrupted,
});

const clock = new BoardClock(start.clockStartS);
const journal: FlashJournal = {
  put: (path, content, modifiedS) => post({ kind: 'put', path, content, modifiedS }),
  makeFolder: (path) => post({ kind: 'folder', path }),
  remove: (path) => post({ kind: 'removed', path }),
  rename: (from, to) => post({ kind: 'renamed', from, to }),
};

let seeding = true;
function stall(ms: number): void {
  if (seeding) return;
  if (start.interruptsOffInFlash) Atomics.store(cells, CELL.interruptsOff, 1);
  Atomics.store(cells, CELL.asleep, 1);
  stallThread(ms);
  Atomics.store(cells, CELL.asleep, 0);
  if (start.interruptsOffInFlash) Atomics.store(cells, CELL.interruptsOff, 0);
}

const tree = new FlashTree({
  space: new FlashSpace(start.geometry, stall),
  journal,
  nowS: () => clock.nowS(),
  readOnly: start.readOnly,
  nameBytesMax: start.nameBytesMax,
  byteLength: (name) => bytesOfPath(name).length,
});
for (const [path, file] of start.content) {
  tree.seed(path, file?.bytes ?? null, file?.modifiedS ?? 0);
}
seeding = false;

function threadPath(): string | null {
  try {
    return `/proc/${readlinkSync('/proc/thread-self')}`;
  } catch {
    return null;
  }
}

function firmwareFolder(): string {
  if (start.firmware.startsWith('/')) return start.firmware;
  const require = createRequire(import.meta.url);
  return dirname(require.resolve(`${start.firmware}/micropython.mjs`));
}

async function main(): Promise<never> {
  const folder = firmwareFolder();
  const wasmPath = join(folder, 'micropython.wasm');
  const script = (await import(pathToFileURL(join(folder, 'micropython.mjs')).href)) as {
    loadMicroPython: LoadMicroPython;
  };
  const module = compileShared(wasmPath, start.memoryPagesMax);
  const layout = new StatLayout();
  let raw = false;
  let resetCause = start.resetCause;
  let known: InterruptCells | null = null;
  uart.writeText(Buffer.from(start.bootText));
  for (;;) {
    instance = null;
    const handles = new FlashHandles(tree);
    const working = new WorkingFolder();
    const vm: VmInstance = await instantiate(script.loadMicroPython, module, {
      url: wasmPath,
      heapBytes: WASM_HEAP_BYTES,
      interrupt: known,
      imports: (memory) =>
        systemImports(
          {
            uart,
            handles,
            tree,
            resolve: (path) => working.resolve(path),
            layout,
            epochOffsetS: start.python.epochOffsetS,
          },
          memory,
        ),
    });
    known = vm.interrupt;
    vm.python.registerJsModule(
      '_bridge',
      bridgeModule(
        {
          tree,
          handles,
          uart,
          cells,
          clock,
          tupleLength: start.python.tupleLength,
          layout,
          resetCause,
          watchdog: (timeoutMs) => post({ kind: 'watchdog', timeoutMs }),
        },
        working,
      ),
    );
    vm.python.runPython(setupSource(start.python));
    // Two runs: the collector works between runs only, and the count starts after it.
    vm.python.runPython('import gc\ngc.collect()\ndel gc');
    vm.python.runPython('import gc\ngc.begin()\ndel gc');
    instance = vm;
    post({ kind: 'started', memory: vm.memory, interrupt: vm.interrupt, threadPath: threadPath() });
    try {
      const console = new BoardConsole({
        python: vm.python,
        uart,
        programs: start.programs,
        rawPaste: start.rawPaste,
        windowBytes: start.windowBytes,
        machine: start.python.machine,
        hasFile: (name) => tree.find(name)?.kind === 'file',
      });
      raw = console.run(raw);
      handles.closeAll();
      resetCause = 5;
      uart.writeText(Buffer.from(`${start.softRebootLine}\n`));
    } catch (error) {
      if (!(error instanceof ResetRequest)) throw error;
      raw = false;
      resetCause = 2;
      uart.hushed = false;
      uart.writeText(Buffer.from(start.bootText));
    }
  }
}

await main();
