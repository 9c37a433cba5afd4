/**
 * Modules of a board as Python source: `_b` is the bridge to the worker, `_posix` opens files at the
 * speed of C, the other names with an underscore are constants of the board (vm-python.ts).
 */

export const FILE_SYSTEM = `
class Flash:
    def __init__(self, prefix):
        self._p = prefix
        # Methods in C: an interrupt that comes inside the import's own call of stat would be lost.
        self.open = self._open if prefix else _posix.open
        self.stat = self._stat if prefix else _posix.stat
    def mount(self, readonly, mkfs):
        pass
    def umount(self):
        pass
    def _n(self, path):
        if not isinstance(path, bytes):
            path = path.encode()
        return str(_hex(self._p.encode() + path if path[:1] == b'/' or not self._p else self._p.encode() + b'/' + path), 'ascii')
    def _r(self, code):
        if code < 0:
            raise OSError(-code)
    def _open(self, path, mode):
        return _posix.open(self._p + '/' + path if isinstance(path, str) else self._p.encode() + b'/' + path, mode)
    def ilistdir(self, path):
        source = _b.list(self._n(path), isinstance(path, str))
        if isinstance(source, int):
            raise OSError(-source)
        return iter(eval(source)) if source[0] == '[' else _decoded(eval(source[1:]))
    def _stat(self, path):
        return _posix.stat(self._p + '/' + path if isinstance(path, str) else self._p.encode() + b'/' + path)
    def statvfs(self, path):
        return eval(_b.statvfs(self._p))
    def mkdir(self, path):
        self._r(_b.mkdir(self._n(path)))
    def rmdir(self, path):
        self._r(_b.remove(self._n(path), 'folder'))
    def remove(self, path):
        self._r(_b.remove(self._n(path), 'any'))
    def rename(self, old, new):
        self._r(_b.rename(self._n(old), self._n(new)))
    def utime(self, path, times):
        self._r(_b.utime(self._n(path), times[0] + _EPOCH))
    def chdir(self, path):
        self._r(_b.chdir(self._n(path)))
    def getcwd(self):
        return _b.getcwd()
def _decoded(entries):
    for e in entries:
        yield (str(e[0], 'utf-8'),) + e[1:]
class Boot:
    def hush(self, on):
        _b.hush(on)
    def report(self, e):
        out = _io.StringIO()
        _sys.print_exception(e, out)
        print('\\n'.join(l for l in out.getvalue().split('\\n') if '"<stdin>"' not in l), end='')
`;

export const CONSOLE = `
from sys import *
import sys as _s, io as _io
path = _s.path
modules = _s.modules
_sin = _s.stdin
_sout = _s.stdout
class _In(_io.IOBase):
    def read(self, n=-1):
        return _sin.read(n)
    def readinto(self, buf):
        return _sin.readinto(buf)
    def readline(self, n=-1):
        return _sin.readline()
    def ioctl(self, op, arg):
        return arg & (5 if _b.available() else 4) if op == 3 else 0
class _Out(_io.IOBase):
    def write(self, text):
        return _sout.write(text)
    def ioctl(self, op, arg):
        return arg & 4 if op == 3 else 0
if _BUFFER:
    _In.buffer = _Out.buffer = _posix.open('\\x01uart', 'r+b')
stdin = _In()
stdout = stderr = _Out()
_f = [f for f in ('name', 'version', '_machine', '_mpy', '_build') if hasattr(_s.implementation, f)]
from collections import namedtuple as _nt
implementation = _nt('', _f)(*[_MACHINE if f == '_machine' else _NAME if f == 'name' else getattr(_s.implementation, f) for f in _f])
del _f, _nt
`;

export const TIME = `
from utime import *
import utime as _t
def sleep_ms(ms):
    while not _b.sleep(ms):
        pass
def sleep(s):
    while not _b.sleep(s * 1000):
        pass
def sleep_us(us):
    while not _b.sleep(us / 1000):
        pass
ticks_us = ticks_cpu = _b.ticks_us
def time():
    return _b.now() - _EPOCH
def time_ns():
    return time() * 1000000000
def gmtime(s=None):
    return _t.gmtime((time() if s is None else s) + _EPOCH)
localtime = gmtime
def mktime(t):
    return _t.mktime(t) - _EPOCH
`;

export const OS = `
from uos import *
from collections import namedtuple as _nt
import sys as _s
_v = '.'.join(str(n) for n in _s.implementation.version[:3])
_u = _nt('', ('sysname', 'nodename', 'release', 'version', 'machine'))
_u = _u('webassembly', 'webassembly', _v, _s.version.split('; ')[-1].replace('MicroPython ', ''), _MACHINE)
def uname():
    return _u
def sync():
    pass
if _UTIME:
    def utime(path, times):
        _flash.utime(path, times)
del _nt, _v
`;

export const GC = `
from gc import *
import gc as _g
_start = 0
def begin():
    global _start
    _start = _g.mem_alloc()
    del globals()['begin']
def mem_alloc():
    return _HEAP - mem_free()
def mem_free():
    return max(_HEAP // 4, _HEAP - 2048 - max(0, _g.mem_alloc() - _start))
`;

export const MACHINE = `
import time as _time
PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
def unique_id():
    return _UNIQUE_ID
def reset():
    _posix.open('\\x01reset', 'rb')
def soft_reset():
    raise SystemExit
def reset_cause():
    return _b.cause()
def freq(*hz):
    return 125000000
def idle():
    while not _b.sleep(1):
        pass
def lightsleep(ms=1):
    while not _b.sleep(ms):
        pass
def deepsleep(ms=1):
    while not _b.sleep(ms):
        pass
    reset()
class WDT:
    def __init__(self, id=0, timeout=5000):
        _b.watchdog(timeout)
    def feed(self):
        _b.feed()
class UART:
    def __init__(self, id, baudrate=115200, **kw):
        self._id = id
        self.init(baudrate)
    def init(self, baudrate=115200, **kw):
        if self._id == 0:
            _b.set_baud(baudrate)
class RTC:
    def datetime(self, t=None):
        if t is None:
            t = _time.gmtime()
            return t[:3] + (t[6],) + t[3:6] + (0,)
        _b.set_clock(_time.mktime(tuple(t[:3]) + tuple(t[4:7]) + (0, 0)) + _EPOCH)
class Pin:
    IN, OUT, OPEN_DRAIN, PULL_UP, PULL_DOWN, IRQ_RISING, IRQ_FALLING = 0, 1, 2, 1, 2, 1, 2
    def __init__(self, id, mode=-1, pull=-1, value=0):
        self._v = value
    def value(self, v=None):
        if v is None:
            return self._v
        self._v = v
    __call__ = value
    def on(self):
        self._v = 1
    def off(self):
        self._v = 0
    def toggle(self):
        self._v ^= 1
    def init(self, *args, **kw):
        pass
    def irq(self, *args, **kw):
        pass
`;
