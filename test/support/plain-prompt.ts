/** A question at a virtual board's friendly prompt, by nobody's code but this. */
import type { BytePort } from '../../src/transport/byte-port.js';

/** A whole number that the board prints for a Python expression; `time` and `machine` are imported. */
export async function askPlainly(port: BytePort, expression: string): Promise<number> {
  let said = '';
  await new Promise<void>((resolve) => {
    port.setReceiver({
      data: (bytes) => {
        said += Buffer.from(bytes).toString('latin1');
        if (/answer \d+ \./.test(said)) resolve();
      },
      closed: () => resolve(),
    });
    const line = `import time,machine;print('ans'+'wer',${expression},'.')`;
    void port.write(Buffer.from(`\r\n${line}\r\n`));
  });
  await port.close();
  return Number(/answer (\d+) /.exec(said)?.[1]);
}
