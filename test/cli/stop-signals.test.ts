import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listenForStop, STOP_MS_MAX } from '../../src/cli/stop-signals.js';

/** A process that only has signals and an exit. */
function fakeProcess() {
  const exits: number[] = [];
  const host = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code) });
  return { host: host as unknown as NodeJS.Process, exits };
}

function listen(bounded: boolean) {
  const { host, exits } = fakeProcess();
  const said: string[] = [];
  const stop = listenForStop(host, {
    onFirst: () => said.push('stopping'),
    onForced: () => said.push('forced'),
    bounded: () => bounded,
  });
  return { host, exits, said, stop };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('Ctrl-C', () => {
  it('once asks the job to stop', () => {
    const { host, exits, said, stop } = listen(true);
    host.emit('SIGINT');
    expect(stop.signal.aborted).toBe(true);
    expect(said).toEqual(['stopping']);
    expect(exits).toEqual([]);
  });

  it('twice leaves at once with 130', () => {
    const { host, exits } = listen(false);
    host.emit('SIGINT');
    host.emit('SIGTERM');
    expect(exits).toEqual([130]);
  });

  it('does not wait for a job that does not stop within two seconds', () => {
    const { host, exits } = listen(true);
    host.emit('SIGTERM');
    vi.advanceTimersByTime(STOP_MS_MAX);
    expect(exits).toEqual([130]);
    expect(STOP_MS_MAX).toBeLessThan(2_000);
  });

  it('lets a restore roll back for as long as it takes', () => {
    const { host, exits } = listen(false);
    host.emit('SIGINT');
    vi.advanceTimersByTime(600_000);
    expect(exits).toEqual([]);
  });

  it('means nothing any more once the command has ended', () => {
    const { host, exits, stop } = listen(true);
    host.emit('SIGINT');
    stop.dispose();
    vi.advanceTimersByTime(10_000);
    expect(exits).toEqual([]);
    expect(host.listenerCount('SIGINT')).toBe(0);
  });
});
