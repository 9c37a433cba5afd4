/** The part that opens serial ports is native code: it may be missing, or made for another Node. */
import { BelayError } from '../core/errors.js';

/** Throws `port/native`. */
export async function nativePorts(): Promise<typeof import('./board-port.js')> {
  try {
    // By itself first: within a graph of modules Node 20 reports a part that fails as unhandled, too.
    await import('serialport');
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw new BelayError('port/native', `serial ports cannot be used: ${reason}`, {
      cause,
      hint: 'the native part of serialport does not load: run npm rebuild @serialport/bindings-cpp (it needs a compiler), or npm ci with the Node that you use; --port virtual works without it',
    });
  }
  return import('./board-port.js');
}
