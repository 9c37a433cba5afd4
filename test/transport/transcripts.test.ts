/**
 * Recorded conversations, played again whole and in pieces: a file in fixtures/transcripts is a
 * test. Its notes carry the calls and their results; a transcript from `doctor` gets such notes
 * by hand. Whatever the cut of the bytes, the session has to say and to find the same.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isBelayError } from '../../src/core/errors.js';
import { ReplSession } from '../../src/transport/repl-session.js';
import {
  bytesOfLine,
  encodeTranscript,
  parseTranscript,
  type TranscriptLine,
  TranscriptRecorder,
} from '../../src/transport/transcript.js';
import { IdleClock } from '../support/idle-clock.js';
import { stepsOf } from '../support/recorded-steps.js';
import { bytesOf, ScriptedPort, type ScriptedPortOptions } from '../support/scripted-port.js';

const FOLDER = new URL('../../fixtures/transcripts/', import.meta.url);
const never = new AbortController().signal;

async function carryOut(session: ReplSession, call: string): Promise<unknown> {
  const [, name, text] = /^call (\w+)(?: (.*))?$/.exec(call) ?? [];
  const argument: unknown = text === undefined ? undefined : JSON.parse(text);
  switch (name) {
    case 'enterRaw': {
      const { programInterrupted, wasRaw } = await session.enterRaw({ signal: never });
      return { programInterrupted, wasRaw };
    }
    case 'exec':
      return new TextDecoder().decode(
        await session.exec(String(argument), { timeoutMs: 2000, signal: never }),
      );
    case 'softReset':
      return (await session.softReset({ signal: never })) ?? null;
    case 'exitRaw':
      return (await session.exitRaw(argument as { restart?: boolean } | undefined)) ?? null;
    default:
      throw new Error(`unknown call: ${call}`);
  }
}

async function replay(lines: readonly TranscriptLine[], cut: ScriptedPortOptions): Promise<void> {
  const clock = new IdleClock();
  const port = new ScriptedPort(clock, stepsOf(lines), cut);
  const session = new ReplSession(port, clock);
  const notes = lines.filter((line) => line.dir === 'note').map((line) => line.text ?? '');
  for (const [index, call] of notes.entries()) {
    if (!call.startsWith('call ')) continue;
    const result = await carryOut(session, call).catch((error: unknown) => {
      if (!isBelayError(error)) throw error;
      return { error: error.code };
    });
    expect(`${call}: ${JSON.stringify(result)}`).toBe(
      `${call}: ${notes[index + 1]?.replace('result ', '')}`,
    );
    expect(port.surprise).toBeNull();
  }
  expect(port.stepsLeft).toBe(0);
}

describe('a recorded conversation', () => {
  for (const file of readdirSync(FOLDER)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()) {
    const lines = parseTranscript(readFileSync(new URL(file, FOLDER), 'utf8'));
    for (const pieceBytes of [Number.POSITIVE_INFINITY, 1, 2, 5, 64]) {
      it(`${file}: goes the same way in pieces of ${pieceBytes}`, () =>
        replay(lines, { pieceBytes }));
    }
    it(`${file}: goes the same way for every cut into two reads`, async () => {
      const total = stepsOf(lines).reduce((sum, step) => sum + (step.answer?.length ?? 0), 0);
      for (let cutAt = 1; cutAt < total; cutAt += 1) await replay(lines, { cutAt });
    });
  }
});

describe('a transcript', () => {
  it('keeps bytes, times and directions, and leaves out what files hold', () => {
    let nowMs = 1000;
    const recorder = new TranscriptRecorder(() => nowMs);
    recorder.note('interrupting');
    recorder.record('out', bytesOf('\x03\x01'), false);
    nowMs += 2.34;
    recorder.record('in', bytesOf('\xff\r\n'), false);
    recorder.record('in', bytesOf('secret one'), true);
    recorder.record('in', bytesOf('secret two'), true);
    recorder.record('out', bytesOf('secret three'), true);
    const text = recorder.toString();
    expect(text).not.toContain('secret');
    expect(text).toBe(
      [
        '{"t":0,"dir":"note","text":"interrupting"}',
        '{"t":0,"dir":"out","text":"\\u0003\\u0001"}',
        '{"t":2.3,"dir":"in","hex":"ff0d0a"}',
        '{"t":2.3,"dir":"in","omitted":20}',
        '{"t":2.3,"dir":"out","omitted":12}',
        '',
      ].join('\n'),
    );
    const lines = parseTranscript(text);
    expect(encodeTranscript(lines)).toBe(text);
    expect(lines.map(bytesOfLine)).toEqual([
      null,
      bytesOf('\x03\x01'),
      bytesOf('\xff\r\n'),
      null,
      null,
    ]);
  });

  it('is found in a mail with other text around it', () => {
    const lines = parseTranscript(
      'Hello,\n> quoted\n{"t":1,"dir":"in","text":"x"}\n{"t":"no"}\n{"t":1,"dir":"in","hex":"zz"}\nBye',
    );
    expect(lines).toEqual([{ t: 1, dir: 'in', text: 'x' }]);
  });

  it('leaves the content of a stream and of an upload out by itself', async () => {
    const clock = new IdleClock();
    const port = new ScriptedPort(clock, [
      { sent: '\x03\x01', answer: '\r\n>>> \r\nraw REPL; CTRL-B to exit\r\n>' },
      { sent: '\x05A\x01\n\x04', answer: 'R\x01\x80\x00\x01\x04\x04\x04>' },
      { sent: 'go()\x04', answer: 'OK' },
      { sent: '', answer: 'password!' },
      { sent: 'uploaded', answer: '.\x04\x04>' },
    ]);
    const session = new ReplSession(port, clock);
    const recorder = new TranscriptRecorder(() => clock.monotonicMs());
    session.onTraffic = recorder.record;
    await session.enterRaw({ signal: never });
    await session
      .stream(
        'go()',
        {
          push: (bytes) => {
            if (bytes.at(-1) === 0x21) void session.send(bytesOf('uploaded'));
            return { consumed: bytes.length, done: bytes.at(0) === 0x2e };
          },
          silenceMsMax: () => 1000,
        },
        { signal: never },
      )
      .catch(() => {});
    const text = recorder.toString();
    expect(text).toContain('go()');
    expect(text).not.toContain('password');
    expect(text).not.toContain('uploaded');
  });
});
