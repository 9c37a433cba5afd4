/**
 * Other firmware, played on the real interpreter: each takes away or changes what a probe would
 * find. They are not that firmware; what they play was read in its source.
 */
import type { Dialect } from './board-options.js';

/**
 * CircuitPython while its drive is mounted: no `u` modules, no `ilistdir`, no raw console, no
 * `kbd_intr`, a read-only file system, code.py instead of main.py, `soft reboot`.
 */
export const CIRCUITPYTHON: Dialect = {
  implementation: 'circuitpython',
  machine: 'Played CircuitPython board with WebAssembly',
  prefixedModules: false,
  hiddenModules: ['machine', 'deflate', 'vfs', 'hashlib', 'uctypes'],
  hiddenNames: ['os.ilistdir', 'os.mount', 'os.umount', 'os.VfsPosix', 'micropython.kbd_intr'],
  extraModules: {
    microcontroller:
      'import os\nclass _Cpu:\n    uid = b"played-circuitpy"\ncpu = _Cpu()\ndef reset():\n    raise SystemExit\n',
    storage: 'class _Mount:\n    readonly = True\ndef getmount(path):\n    return _Mount()\n',
  },
  stdoutBuffer: false,
  utime: true,
  softRebootLine: 'soft reboot',
  programs: ['boot.py', 'code.py'],
  readOnly: true,
};

/** The same with the drive taken away: Python may write. */
export const CIRCUITPYTHON_WRITABLE: Dialect = {
  ...CIRCUITPYTHON,
  readOnly: false,
  extraModules: {
    ...CIRCUITPYTHON.extraModules,
    storage: 'class _Mount:\n    readonly = False\ndef getmount(path):\n    return _Mount()\n',
  },
};

/** One missing thing each, and the old and small boards that lack several. */
export const DIALECTS = {
  plain: {},
  'no hashlib': { hiddenModules: ['hashlib'] },
  'no binascii': { hiddenModules: ['binascii', 'base64'] },
  'no crc32': { hiddenNames: ['binascii.crc32'] },
  'no deflate': { hiddenModules: ['deflate'] },
  'no raw console': { stdoutBuffer: false },
  'no raw console, no base64': {
    stdoutBuffer: false,
    hiddenNames: ['binascii.b2a_base64', 'binascii.a2b_base64'],
  },
  'no raw console, no binascii': { stdoutBuffer: false, hiddenModules: ['binascii', 'base64'] },
  'no kbd_intr': { hiddenNames: ['micropython.kbd_intr'] },
  'three in a tuple': { tupleLength: 3 },
  'raw paste refused': { rawPaste: 'refused' },
  'before 1.14': { rawPaste: 'unknown', hiddenModules: ['deflate'], softRebootLine: 'soft reboot' },
  'epoch 2000': { epoch: 2000 },
  'under /flash': { mountPoint: '/flash', otherMounts: { '/sd': { 'card.txt': 'on the card\n' } } },
  circuitpython: CIRCUITPYTHON,
} as const satisfies Record<string, Dialect>;
