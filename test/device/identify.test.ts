/** Identifying a board whose answers are disturbed, played without a board. */
import { describe, expect, it } from 'vitest';
import { BelayError } from '../../src/core/errors.js';
import { bootSum } from '../../src/device/helper-source.js';
import { identifyBoard } from '../../src/device/identify.js';
import type { ReplSession } from '../../src/transport/repl-session.js';

const signal = new AbortController().signal;
const ANSWERS =
  "[('micropython', (1, 27, 0, ''), 'Board with CPU', 774), 'rp2', b'\\x01', 1970, 179536, [1, 1, 1, 1, 1, 1, 1], [('/', 'VfsLfs2', (4096, 4096, 512, 457, 457, 0, 0, 0, 0, 255))], 0]";
const PROBE = `~ ${bootSum(new TextEncoder().encode(ANSWERS))} ${ANSWERS}\r\n`;
const ROOMY = '~ 179536 179536\r\n';
const SMALL = '~ 30000 30000\r\n';
const STANDARD = ['list-ilistdir', 'put-raw', 'hash-sha256', 'check-crc32', 'stream', 'list'];

/** What the board printed before it raised. */
function raising(what: string, output = ''): BelayError {
  const details = { traceback: what, output };
  return new BelayError('repl/exec-failed', `the board raised ${what}`, { details });
}

/** Answers one exec after the other; an error is thrown. `sent` has their sources. */
function answering(...outputs: (string | BelayError)[]) {
  const sent: string[] = [];
  const exec = async (source: string | Uint8Array) => {
    sent.push(Buffer.from(source as Uint8Array).toString('latin1'));
    const output = outputs.shift() ?? '';
    if (output instanceof BelayError) throw output;
    return new TextEncoder().encode(output);
  };
  return { session: { exec } as unknown as ReplSession, sent };
}

const identify = (...outputs: (string | BelayError)[]) =>
  identifyBoard(answering(...outputs).session, { signal });

describe('a board', () => {
  it('that is current is asked in one exec, with the usual parts behind the questions', async () => {
    const { info, form, parts, tiny } = await identify(ROOMY, PROBE);
    expect(info).toMatchObject({ firmware: 'micropython', version: '1.27.0', uniqueId: '01' });
    expect({ form, tiny }).toEqual({ form: 'deflated', tiny: false });
    expect(parts).toEqual([...STANDARD, 'hash-file', 'fold']);
  });

  it('gets what reads or writes files with it where that is going to be done', async () => {
    for (const [purpose, last] of [
      ['read', 'read'],
      ['write', 'upload'],
    ] as const) {
      const { session } = answering(ROOMY, PROBE);
      const { parts } = await identifyBoard(session, { signal, purpose });
      expect(parts.at(-1)).toBe(last);
    }
  });

  it('that takes the questions but not the parts behind them gets its own later', async () => {
    const failed = raising("AttributeError: 'module' object has no attribute 'ilistdir'", PROBE);
    const { info, parts } = await identify(ROOMY, failed);
    expect(info.platform).toBe('rp2');
    expect(parts).toEqual([]);
  });

  it('with little memory is sent the questions alone', async () => {
    const { session, sent } = answering(SMALL, PROBE);
    const { form, parts } = await identifyBoard(session, { signal });
    expect({ form, parts }).toEqual({ form: 'deflated', parts: [] });
    expect((sent[1] as string).length).toBeLessThan(800);
  });

  it('whose memory does not suffice for all at once is sent less, then plain source', async () => {
    const failed = raising('MemoryError: memory allocation failed');
    const once = await identify(ROOMY, failed, PROBE);
    expect(once).toMatchObject({ form: 'deflated', parts: [] });
    const twice = await identify(ROOMY, failed, failed, '', PROBE);
    expect(twice).toMatchObject({ form: 'plain', parts: [] });
  });

  it('whose program prints into an answer is asked again', async () => {
    const disturbed = PROBE.replace('rp2', 'rtick\r\np2');
    const { info } = await identify(ROOMY, disturbed, disturbed, PROBE);
    expect(info.platform).toBe('rp2');
  });

  it('is not taken for one with 8 kB of heap because a program prints into a number', async () => {
    const identity = await identify('~ 1tick\r\n79536 179536\r\n', ROOMY, PROBE);
    expect(identity).toMatchObject({ tiny: false, form: 'deflated' });
  });

  it('that cannot inflate is sent packed text, or plain source where memory is little', async () => {
    const withFree = (free: string) => raising("ImportError: no module named 'deflate'", free);
    expect(await identify(withFree(SMALL), PROBE)).toMatchObject({ form: 'plain', parts: [] });
    const roomy = await identify(withFree(ROOMY), PROBE);
    expect(roomy).toMatchObject({ form: 'packed', parts: [...STANDARD, 'hash-file', 'fold'] });
  });

  it('that cannot inflate is asked more only where it left something open', async () => {
    const told = (answers: string) =>
      `~ ${bootSum(new TextEncoder().encode(answers))} ${answers}\r\n`;
    const failed = raising("ImportError: no module named 'deflate'", ROOMY);
    const current = ANSWERS.replace('[1,', '[0,');
    const old = current.replace(/\[\('\/'.*\)\]/, 'None');
    const more = told("[('esp32', 'x'), None, [True, True, False, True], None, None, 22, None]");
    const asked = async (...outputs: string[]) => {
      const { session, sent } = answering(failed, ...outputs);
      const { info } = await identifyBoard(session, { signal });
      expect(sent).toHaveLength(1 + outputs.length);
      return info.probe;
    };
    expect(await asked(told(current))).toMatchObject({ uname: null, inflate: null });
    const open = { uname: 'esp32 x', fileSystem: 'fat', inflate: 'zlib' };
    expect(await asked(told(old), more)).toMatchObject(open);
    expect(await asked(told(old), more.replace('esp', 'asp'), more)).toMatchObject(open);
  });

  it('that does not take packed text is sent plain source in the end', async () => {
    const failed = raising("ImportError: no module named 'deflate'", ROOMY);
    const refused = raising('SyntaxError: invalid syntax');
    const { form } = await identify(failed, refused, refused, '', refused, '', PROBE);
    expect(form).toBe('plain');
  });

  it('that has deflate but not what it reads from is sent nothing deflated again', async () => {
    const { session, sent } = answering(ROOMY, raising("ImportError: no module 'uio'"), PROBE);
    expect(await identifyBoard(session, { signal })).toMatchObject({ form: 'plain', parts: [] });
    expect(sent).toHaveLength(3);
  });

  it('is asked again where the question failed for another reason', async () => {
    const { form } = await identify(raising('SyntaxError: invalid syntax'), ROOMY, PROBE);
    expect(form).toBe('deflated');
  });

  it('that cannot say how much memory is free is sent the questions all the same', async () => {
    const mute = raising("AttributeError: 'module' object has no attribute 'mem_free'");
    const tiny = raising('AttributeError');
    const { form, parts } = await identify(mute, mute, mute, mute, mute, tiny, PROBE);
    expect({ form, parts }).toEqual({ form: 'plain', parts: [] });
  });

  it('that never answers whole is named as damage', async () => {
    await expect(identify()).rejects.toMatchObject({ code: 'board/integrity' });
    await expect(identify(ROOMY)).rejects.toMatchObject({ code: 'board/integrity' });
  });
});
