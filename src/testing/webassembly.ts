/** The part of the global `WebAssembly` that is used here; Node's types leave it to the DOM's. */

export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

export interface WasmModule {
  readonly wasmModule?: never;
}

export interface WasmInstance {
  readonly exports: { readonly memory: WasmMemory };
}

interface WebAssemblyGlobal {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => WasmInstance;
  instantiate: unknown;
}

export const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyGlobal })
  .WebAssembly;
