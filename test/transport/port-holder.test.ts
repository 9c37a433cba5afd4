import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holderOf } from '../../src/transport/port-holder.js';

let root: string;
let port: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'belay-proc-'));
  port = join(root, 'ttyUSB0');
  writeFileSync(port, '');
});
afterEach(() => rmSync(root, { recursive: true }));

/** A process as /proc shows it, with the port open. */
function runs(pid: number, command: string): void {
  mkdirSync(join(root, `${pid}/fd`), { recursive: true });
  writeFileSync(join(root, `${pid}/comm`), `${command}\n`);
  symlinkSync(port, join(root, `${pid}/fd/3`));
}

function locked(pid: number): void {
  const { dev, ino } = statSync(port);
  const hex = (part: number) => part.toString(16).padStart(2, '0');
  const lines = [
    `1: POSIX  ADVISORY  READ  12 00:18:${ino} 0 EOF`,
    `2: FLOCK  ADVISORY  WRITE 13 ff:18:${ino} 0 EOF`,
    `3: FLOCK  ADVISORY  WRITE ${pid} ${hex(dev >> 8)}:${hex(dev & 0xff)}:${ino} 0 EOF`,
  ];
  writeFileSync(join(root, 'locks'), `${lines.join('\n')}\n`);
}

describe('who has a port', () => {
  it('is the other process that has it open', () => {
    runs(100, 'belay');
    runs(200, 'mpremote');
    expect(holderOf(port, 100, root)).toEqual({ pid: 200, command: 'mpremote' });
  });

  it('is the one that has locked it, where several have it open', () => {
    runs(100, 'script');
    runs(200, 'belay-backup');
    locked(200);
    expect(holderOf(port, 300, root)).toEqual({ pid: 200, command: 'belay-backup' });
  });

  it('is never ourselves, and nobody where the system does not tell', () => {
    runs(100, 'belay');
    locked(100);
    expect(holderOf(port, 100, root)).toBeNull();
    expect(holderOf(join(root, 'gone'), 100, root)).toBeNull();
  });
});
