/** Identifying a board whose answers are disturbed, played without a board. */
import { describe, expect, it } from 'vitest';
import { BelayError } from '../../src/core/errors.js';
import { bootSum } from '../../src/device/helper-source.js';
import { identifyBoard } from '../../src/device/identify.js';
import type { ReplSession } from '../../src/transport/repl-session.js';

const never = new AbortController().signal;
const ANSWERS =
  "[('micropython', (1, 27, 0, ''), 'Board with CPU', 774), 'rp2', b'\\x01', 1970, 179536, [1, 1, 1, 1, 1, 1, 1], [('/', 'VfsLfs2', (4096, 4096, 512, 457, 457, 0, 0, 0, 0, 255))], 0]";
const PROBE = `~ ${bootSum(new TextEncoder().encode(ANSWERS))} ${ANSWERS}\r\n`;

/** Answers one exec after the other; an error is thrown. */
function answering(...outputs: (string | BelayError)[]): ReplSession {
  const exec = async () => {
    const output = outputs.shift() ?? '';
    if (output instanceof BelayError) throw output;
    return new TextEncoder().encode(output);
  };
  return { exec } as unknown as ReplSession;
}

describe('a board', () => {
  it('that is current is asked once', async () => {
    const { info, inflates, tiny } = await identifyBoard(answering(PROBE), never);
    expect(info).toMatchObject({ firmware: 'micropython', version: '1.27.0', uniqueId: '01' });
    expect({ inflates, tiny }).toEqual({ inflates: true, tiny: false });
  });

  it('whose program prints into an answer is asked again', async () => {
    const disturbed = PROBE.replace('rp2', 'rtick\r\np2');
    const { info } = await identifyBoard(answering(disturbed, disturbed, PROBE), never);
    expect(info.platform).toBe('rp2');
  });

  it('is not taken for one with 8 kB of heap because a program prints into a number', async () => {
    const failed = new BelayError('repl/exec-failed', 'the board raised SyntaxError');
    const identity = await identifyBoard(
      answering(failed, '~ 1tick\r\n79536 179536\r\n', '~ 179536 179536\r\n', PROBE),
      never,
    );
    expect(identity).toMatchObject({ tiny: false, inflates: true });
  });

  it('that cannot inflate is sent plain source from then on', async () => {
    const failed = new BelayError('repl/exec-failed', 'the board raised ImportError: deflate');
    const { inflates } = await identifyBoard(answering(failed, '~ 30000 30000\r\n', PROBE), never);
    expect(inflates).toBe(false);
  });

  it('that never answers whole is named as damage', async () => {
    await expect(identifyBoard(answering(), never)).rejects.toMatchObject({
      code: 'board/integrity',
    });
  });
});
