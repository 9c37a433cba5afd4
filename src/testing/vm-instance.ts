/**
 * One life of the interpreter: the WebAssembly module is instantiated anew for every reset, with
 * its memory marked as shared, so that the wire can interrupt it while it computes.
 */
import { readFileSync } from 'node:fs';
import type { InterruptCells } from './interrupt.js';
import type { WasmMemory, WasmModule } from './webassembly.js';
import { webAssembly } from './webassembly.js';

/** What `loadMicroPython` of the package gives, as far as it is used here. */
export interface MicroPython {
  readonly _module: {
    ccall(name: string, returns: string, types: string[], values: unknown[]): number;
    _malloc(bytes: number): number;
  };
  registerJsModule(name: string, module: object): void;
  runPython(code: string): unknown;
  replInit(): void;
  replProcessChar(character: number): number;
}

export type LoadMicroPython = (options: Record<string, unknown>) => Promise<MicroPython>;

type ImportTable = Record<string, Record<string, (...values: never[]) => unknown>>;

export interface VmInstance {
  readonly python: MicroPython;
  readonly memory: WasmMemory;
  readonly interrupt: InterruptCells;
}

/** The module with the shared flag set and its largest memory limited. */
export function compileShared(wasmPath: string, pagesMax: number): WasmModule {
  const bytes = new Uint8Array(readFileSync(wasmPath));
  const section = memorySection(bytes);
  bytes[section.flagsAt] = 3;
  writeVarint(bytes, section.maximumAt, section.maximumBytes, Math.max(pagesMax, section.minimum));
  return new webAssembly.Module(bytes);
}

/** Pages of memory that the module starts with. */
function memorySection(bytes: Uint8Array) {
  let at = 8;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  while (at < bytes.length) {
    const kind = bytes[at++];
    const length = varint();
    const end = at + length;
    if (kind === 5) {
      varint();
      const flagsAt = at++;
      if (bytes[flagsAt] !== 1) throw new Error('the firmware has a memory without a limit');
      const minimum = varint();
      const maximumAt = at;
      varint();
      return { flagsAt, minimum, maximumAt, maximumBytes: at - maximumAt };
    }
    at = end;
  }
  throw new Error('the firmware has no memory of its own');
}

function writeVarint(bytes: Uint8Array, at: number, length: number, value: number): void {
  for (let index = 0; index < length; index += 1) {
    const more = index < length - 1 ? 128 : 0;
    bytes[at + index] = ((value >>> (7 * index)) & 127) | more;
  }
}

/**
 * Starts an instance with `imports` in place of the package's own functions of the same names.
 * Only `WebAssembly.instantiate` can be replaced for that: handing over `instantiateWasm` breaks
 * the package's asyncio.
 */
export async function instantiate(
  load: LoadMicroPython,
  module: WasmModule,
  options: {
    readonly url: string;
    readonly heapBytes: number;
    readonly imports: (memory: () => WasmMemory) => Record<string, unknown>;
    /** What an earlier instance of the same module found. */
    readonly interrupt: InterruptCells | null;
  },
): Promise<VmInstance> {
  let memory: WasmMemory | null = null;
  const replaced = options.imports(() => memory as WasmMemory);
  const original = webAssembly.instantiate;
  const substitute = async (_source: unknown, table: ImportTable) => {
    for (const group of Object.values(table)) {
      for (const name of Object.keys(group)) {
        if (name in replaced) group[name] = replaced[name] as never;
      }
    }
    const instance = new webAssembly.Instance(module, table);
    memory = instance.exports.memory;
    return { instance, module };
  };
  let python: MicroPython;
  const { error } = console;
  try {
    // The package keeps the console's function as it finds it now.
    console.error = withoutGrowthReports(error);
    webAssembly.instantiate = substitute;
    python = await load({ url: options.url, heapsize: options.heapBytes, linebuffer: false });
  } finally {
    console.error = error;
    webAssembly.instantiate = original;
  }
  if (memory === null) throw new Error('the firmware was not started');
  return { python, memory, interrupt: options.interrupt ?? findInterrupt(python, memory) };
}

/** The package reports each refusal to grow; here it is part of the play, and Python is told. */
function withoutGrowthReports(report: (...values: unknown[]) => void) {
  return (...values: unknown[]) => {
    if (!/^growMemory|^Failed to grow the heap/.test(String(values[0]))) report(...values);
  };
}

/**
 * Finds where the interrupt lives by watching memory: the character by setting it to three values,
 * the rest by comparing memory before and after the interpreter's own function for it.
 */
function findInterrupt(python: MicroPython, memory: WasmMemory): InterruptCells {
  const staticBytes = 1 << 20;
  const words = () => new Int32Array(memory.buffer, 0, staticBytes / 4);
  const call = (name: string) => python._module.ccall(name, 'null', [], []);
  let candidates: number[] | null = null;
  for (const value of [0x5e11, 0x1e55, 0x7ab1]) {
    python.runPython(`import micropython\nmicropython.kbd_intr(${value})`);
    const now = words();
    const found: number[] = [];
    for (const at of candidates ?? now.keys()) if (now[at] === value) found.push(at);
    candidates = found;
  }
  const asked = () => python._module.ccall('mp_hal_get_interrupt_char', 'number', [], []);
  const characterWord = (candidates ?? []).find((at) => {
    const before = words()[at] as number;
    words()[at] = 0x1234;
    const found = asked() === 0x1234;
    words()[at] = before;
    return found;
  });
  python.runPython('import micropython\nmicropython.kbd_intr(-1)');
  if (characterWord === undefined) throw new Error('the interrupt character was not found');
  const before = words().slice();
  call('mp_sched_keyboard_interrupt');
  const after = words();
  const changed: { at: number; value: number; when: number }[] = [];
  for (let at = 0; at < before.length; at += 1) {
    if (before[at] !== after[at]) {
      changed.push({ at, value: after[at] as number, when: before[at] as number });
      after[at] = before[at] as number;
    }
  }
  // mp_obj_exception_t: type, two lengths, traceback_data (py/objexcept.h).
  const exceptionAt = changed[0]?.value ?? 0;
  return { characterAt: characterWord, tracebackAt: exceptionAt / 4 + 2, words: changed };
}
