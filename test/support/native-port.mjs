// Opens a port with the native binding, for a test in another process (the binding cannot live in
// a worker thread: its poller enters V8 from the main loop). Commands and events are JSON lines.
import { createInterface } from 'node:readline';

const { openSerialPort } = await import('../../dist/transport/serial-port.js');
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const failure = (error) => ({
  code: error.code ?? 'unknown',
  message: error.message,
  exitCode: error.exitCode,
});

let port = null;
try {
  port = await openSerialPort(process.argv[2], {});
  port.setReceiver({
    data: (bytes) => tell({ kind: 'data', hex: Buffer.from(bytes).toString('hex') }),
    closed: (error) => tell({ kind: 'closed', error: error === null ? null : failure(error) }),
  });
  tell({ kind: 'open' });
} catch (error) {
  tell({ kind: 'failed', error: failure(error) });
  process.exit(0);
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    if (command.kind === 'write') await port.write(Buffer.from(command.hex, 'hex'));
    if (command.kind === 'close') await Promise.all([port.close(), port.close()]);
    if (command.kind === 'baud') await port.setBaud(command.baud);
    tell({ kind: 'done', command: command.kind });
    if (command.kind === 'exit') break;
  } catch (error) {
    tell({ kind: 'error', error: failure(error) });
  }
}
await port.close();
process.exit(0);
