/**
 * Whether a board can run a .mpy file: its first four bytes against what the firmware says of
 * itself (py/persistentcode.c: mp_raw_code_load; docs/reference/mpyfiles.rst). Pure.
 */

/** The first four bytes of a .mpy file. */
export interface BytecodeHeader {
  /** 'M' for MicroPython, 'C' for CircuitPython. */
  readonly magic: string;
  readonly version: number;
  readonly subVersion: number;
  /** 0: bytecode alone, for every processor. */
  readonly architecture: number;
}

export const HEADER_BYTES = 4;

const ARCHITECTURES =
  'none x86 x64 armv6 armv6m armv7m armv7em armv7emsp armv7emdp xtensa xtensawin rv32imc rv64imc'.split(
    ' ',
  );
const ARMV6M = 4;
const ARMV7EMDP = 8;

/** null for what is no .mpy file. */
export function bytecodeHeader(bytes: Uint8Array): BytecodeHeader | null {
  const [magic, version, flags] = bytes;
  if (magic === undefined || version === undefined || flags === undefined) return null;
  if (bytes.length < HEADER_BYTES || (magic !== 0x4d && magic !== 0x43)) return null;
  return {
    magic: String.fromCharCode(magic),
    version,
    subVersion: flags & 3,
    architecture: (flags >> 2) & 15,
  };
}

export interface BytecodeRunner {
  readonly firmware: string;
  /** `sys.implementation._mpy`; null where the firmware does not say. */
  readonly mpy: number | null;
}

/** Why the board cannot run the file; null where it can, or does not say what it runs. */
export function bytecodeProblem(
  header: BytecodeHeader | null,
  board: BytecodeRunner,
): string | null {
  if (header === null) return 'its name says .mpy, its first bytes do not: no board can import it';
  const wanted = board.firmware === 'circuitpython' ? 'C' : 'M';
  if (header.magic !== wanted) {
    return `bytecode of ${header.magic === 'C' ? 'CircuitPython' : 'MicroPython'}, the board runs ${board.firmware}`;
  }
  if (board.mpy === null) return null;
  const version = board.mpy & 0xff;
  if (header.version !== version) {
    return `bytecode of version ${header.version}, the board runs version ${version}`;
  }
  return header.architecture === 0 ? null : nativeProblem(header, board.mpy);
}

function nativeProblem(header: BytecodeHeader, mpy: number): string | null {
  const subVersion = (mpy >> 8) & 3;
  const architecture = (mpy >> 10) & 15;
  const name = (number: number) => ARCHITECTURES[number] ?? `processor ${number}`;
  if (!runsCode(header.architecture, architecture)) {
    return `native code for ${name(header.architecture)}, the board runs ${name(architecture)}`;
  }
  if (header.subVersion === subVersion) return null;
  return `native code of sub-version ${header.subVersion}, the board runs ${subVersion}`;
}

/** A Cortex-M runs what smaller ones run (MPY_FEATURE_ARCH_TEST). */
function runsCode(file: number, board: number): boolean {
  if (file === board) return true;
  return board >= ARMV6M && board <= ARMV7EMDP && file >= ARMV6M && file < board;
}
