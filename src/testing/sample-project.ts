/** The project that `--port virtual` carries: small, and with something of everything. */

const BOOT = `# Runs first, at every start.
import gc
gc.collect()
`;

const MAIN = `# Blinks and reads the sensor for ever.
import time
from machine import Pin
from lib.sensor import Sensor
from lib.log import Log

led = Pin(25, Pin.OUT)
sensor = Sensor()
log = Log('data/readings.csv')

while True:
    led.toggle()
    log.keep(sensor.read())
    time.sleep_ms(100)
`;

const SENSOR = `"""A sensor that needs no wires: a slow wave."""
import time

try:
    from micropython import const
except ImportError:
    def const(x):
        return x

_PERIOD_MS = const(60000)


class Sensor:
    def __init__(self, offset=20.5):
        self.offset = offset

    def read(self):
        phase = time.ticks_ms() % _PERIOD_MS
        if phase > _PERIOD_MS // 2:
            phase = _PERIOD_MS - phase
        return self.offset + phase / _PERIOD_MS
`;

const LOG = `"""Keeps the newest readings in memory; writes nothing by itself."""


class Log:
    def __init__(self, path, keep=60):
        self.path = path
        self.size = keep
        self.rows = []

    def keep(self, value):
        self.rows.append(value)
        if len(self.rows) > self.size:
            self.rows.pop(0)

    def write(self):
        with open(self.path, 'w') as f:
            f.write('n,celsius\\n')
            for n, value in enumerate(self.rows):
                f.write('%d,%.2f\\n' % (n, value))
`;

/** Bytes of every value, several times, in an order without a pattern. */
function logo(): Uint8Array {
  const bytes = new Uint8Array(4096);
  let state = 0x2545f491;
  for (let at = 0; at < bytes.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = at < 256 ? at : state & 255;
  }
  return bytes;
}

function readings(): string {
  const rows = Array.from({ length: 240 }, (_, n) => `${n},${(20.5 + (n % 60) / 60).toFixed(2)}`);
  return `n,celsius\n${rows.join('\n')}\n`;
}

/**
 * Files and folders of the sample project: boot.py, a main.py that loops, a library, data, a
 * binary, an empty file, an empty folder, a name with a quote and one that is not ASCII.
 */
export function sampleProject(): Record<string, string | Uint8Array | null> {
  return {
    'boot.py': BOOT,
    'main.py': MAIN,
    'config.json': '{"name": "greenhouse", "interval_ms": 100, "unit": "celsius"}\n',
    'lib/sensor.py': SENSOR,
    'lib/log.py': LOG,
    'lib/__init__.py': '',
    'data/readings.csv': readings(),
    'data/logo.bin': logo(),
    "data/bob's notes.txt": 'Water the tomatoes.\n',
    'data/température.txt': 'Été: 31 °C, hiver: 4 °C\n',
    'data/archive': null,
  };
}
