/**
 * What a board has and the WebAssembly port has not, as Python that runs on the interpreter before
 * anything else: a file system with real sizes, `machine`, `os.uname`, a raw console, sleeping that
 * does not spin.
 */
import { CONSOLE, FILE_SYSTEM, GC, MACHINE, OS, TIME } from './python-modules.js';

export interface PythonProfile {
  /** What `os.uname().machine` and the banner say. */
  readonly machine: string;
  readonly uniqueIdHex: string;
  /** Heap that `gc.mem_free()` pretends to. */
  readonly heapBytes: number;
  /** Seconds from 1970 to the board's epoch. */
  readonly epochOffsetS: number;
  readonly stdoutBuffer: boolean;
  /** Modules that cannot be imported, under any of their names. */
  readonly hiddenModules: readonly string[];
  /** Names that modules lack: 'binascii.crc32'. */
  readonly hiddenNames: readonly string[];
  readonly prefixedModules: boolean;
  readonly plainModules: boolean;
  /** Modules that are there besides, by name, as Python source. */
  readonly extraModules: Readonly<Record<string, string>>;
  /** `sys.implementation.name`. */
  readonly implementation: string;
  /** `os.utime` is there. */
  readonly utime: boolean;
  /** Length of the tuples that `ilistdir` gives. */
  readonly tupleLength: 3 | 4;
  /** Where the flash is mounted, '/' or '/flash', and what is mounted besides. */
  readonly mountPoint: string;
  readonly otherMounts: readonly string[];
}

/** Joins modules and file system to the names under which a program finds them. */
const SETUP = `
def _install():
    import sys, io, vfs
    vfs.umount('/')
    class Rom:
        def mount(self, readonly, mkfs):
            pass
        def umount(self):
            pass
        def stat(self, path):
            if path.strip('/') in SOURCES:
                return (0x8000,) + (0,) * 9
            raise OSError(2)
        def open(self, path, mode):
            return io.BytesIO(SOURCES[path.strip('/')])
    vfs.mount(Rom(), '/')
    keep = list(sys.path)
    sys.path[:] = ['']
    def put(private, *public):
        module = __import__(private)
        for name in public:
            sys.modules[name] = module
        del sys.modules[private]
        module.__name__ = public[0]
        return module
    put('_b_time', 'time', 'utime')
    put('_b_os', 'os', 'uos')
    put('_b_machine', 'machine', 'umachine')
    put('_b_gc', 'gc', 'ugc')
    put('_b_sys', 'sys', 'usys')
    for name in COPIES:
        module = put('_b_' + name, name, 'u' + name)
    for name in EXTRA:
        put('_b_' + name, name)
    for full in HIDDEN_NAMES:
        module, name = full.split('.')
        delattr(sys.modules[module], name)
    parts = sys.modules.pop('_b_parts')
    parts._b.layout(' '.join(str(n) for n in parts._posix.stat('\\x01stat')))
    Flash = parts.Flash
    import builtins
    builtins._boot = parts.Boot()
    del sys.modules['_bridge']
    vfs.umount('/')
    sys.path[:] = keep
    vfs.mount(parts._flash, MOUNT)
    for point in OTHER_MOUNTS:
        vfs.mount(Flash('\\x02' + point[1:]), point)
    import os
    os.chdir(MOUNT)
    if MOUNT != '/':
        sys.path[:] = ['', '.frozen', MOUNT, MOUNT + '/lib']
    if HIDDEN:
        hidden = HIDDEN
        real = builtins.__import__
        def guarded(name, *args):
            if name.split('.')[0] in hidden:
                raise ImportError("no module named '" + name + "'")
            return real(name, *args)
        builtins.__import__ = guarded
_install()
for _n in ('SOURCES', 'COPIES', 'EXTRA', 'HIDDEN', 'HIDDEN_NAMES', 'MOUNT', 'OTHER_MOUNTS', '_install', '_n'):
    del globals()[_n]
`;

/** A module that a name can be taken out of. Only some have a name with `u`. */
function copySource(name: string): string {
  return `try:\n    from u${name} import *\nexcept ImportError:\n    from ${name} import *\n`;
}

/** The program that is run once for each new interpreter. */
export function setupSource(profile: PythonProfile): string {
  const copied = [
    ...new Set(profile.hiddenNames.map((name) => name.split('.')[0] as string)),
  ].filter((name) => !['time', 'os', 'machine', 'gc', 'sys'].includes(name));
  const text = (value: string) => JSON.stringify(value);
  const list = (values: readonly string[]) => `[${values.map(text).join(', ')}]`;
  const constants = [
    `_MACHINE = ${text(profile.machine)}`,
    `_UNIQUE_ID = __import__('binascii').unhexlify('${profile.uniqueIdHex}')`,
    `_NAME = ${text(profile.implementation)}`,
    `_HEAP = ${profile.heapBytes}`,
    `_EPOCH = ${profile.epochOffsetS}`,
    `_UTIME = ${profile.utime ? 'True' : 'False'}`,
    `_BUFFER = ${profile.stdoutBuffer ? 'True' : 'False'}`,
    '_posix = __import__("vfs").VfsPosix()',
    '_hex = __import__("binascii").hexlify',
    'import _bridge as _b, io as _io, sys as _sys',
  ];
  const shared =
    'from _b_parts import _b, _posix, _hex, _MACHINE, _UNIQUE_ID, _NAME, _HEAP, _EPOCH, _BUFFER, _UTIME, _flash\n';
  const sources: [string, string][] = [
    ['_b_parts.py', `${constants.join('\n')}\n${FILE_SYSTEM}_flash = Flash('')\n`],
    ['_b_time.py', shared + TIME],
    ['_b_os.py', shared + OS],
    ['_b_machine.py', shared + MACHINE],
    ['_b_gc.py', shared + GC],
    ['_b_sys.py', shared + CONSOLE],
    ...copied.map((name): [string, string] => [`_b_${name}.py`, copySource(name)]),
    ...Object.entries(profile.extraModules).map(([name, source]): [string, string] => [
      `_b_${name}.py`,
      source,
    ]),
  ];
  return [
    `SOURCES = {${sources.map(([name, source]) => `${text(name)}: ${text(source)}.encode()`).join(',')}}`,
    `COPIES = ${list(copied)}`,
    `EXTRA = ${list(Object.keys(profile.extraModules))}`,
    `HIDDEN = ${list(allNames(profile))}`,
    `HIDDEN_NAMES = ${list(profile.hiddenNames)}`,
    `MOUNT = ${text(profile.mountPoint)}`,
    `OTHER_MOUNTS = ${list(profile.otherMounts)}`,
    SETUP,
  ].join('\n');
}

const PREFIXED =
  'array asyncio binascii collections ctypes errno gc hashlib heapq io json machine os platform random re select socket ssl struct sys time zlib'.split(
    ' ',
  );

/** Modules without a plain name where weak links were off, before 1.13; `io` has no other one here. */
const PLAIN =
  'binascii collections ctypes errno hashlib heapq json os random re select socket ssl struct time zlib'.split(
    ' ',
  );

function allNames(profile: PythonProfile): string[] {
  const names = profile.hiddenModules.flatMap((name) => [name, `u${name}`]);
  if (!profile.prefixedModules) names.push(...PREFIXED.map((name) => `u${name}`));
  if (!profile.plainModules) names.push(...PLAIN);
  return names;
}
