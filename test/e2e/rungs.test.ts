/** Every rung by which contents leave a board, forced: a whole backup, and what its manifest says. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../src/testing/index.js';
import { corpus } from '../bench/corpus.js';
import { virtualLab } from '../support/virtual-lab.js';

const lab = virtualLab();
const files = {
  'notes.py': Buffer.from(corpus('D').files[0]?.bytes ?? []).subarray(0, 9000),
  'all.bin': Uint8Array.from({ length: 1500 }, (_, at) => at & 255),
};

const RUNGS: readonly (readonly [string, Dialect, boolean, Record<string, unknown>])[] = [
  ['raw and compressed', {}, true, { output: 'raw', compressor: expect.stringMatching(/^\d+ us/) }],
  ['raw', {}, false, { output: 'raw' }],
  ['base64', { stdoutBuffer: false }, true, { output: 'base64' }],
  [
    'hexadecimal digits',
    { stdoutBuffer: false, hiddenNames: ['binascii.b2a_base64'] },
    true,
    { output: 'hex' },
  ],
  ['repr of bytes', { stdoutBuffer: false, hiddenModules: ['binascii'] }, true, { output: 'repr' }],
];

describe('a whole backup by the rung', () => {
  it.each(RUNGS)('%s', async (_, dialect, compress, probe) => {
    // Slow enough that compressing is worth it even as bytecode on a busy computer.
    const bytesPerSecond = compress && dialect.stdoutBuffer !== false ? 5760 : 200_000;
    const board = await lab.start({ files, dialect, bytesPerSecond });
    const { manifest, summary } = await lab.backUp(board, { compress });
    expect(summary).toMatchObject({ fileCount: 2, partial: false });
    for (const [relativePath, bytes] of Object.entries(files)) {
      const checksum = createHash('sha256').update(bytes).digest('hex');
      expect(manifest?.files).toContainEqual(expect.objectContaining({ relativePath, checksum }));
    }
    expect(manifest?.deviceInfo.probe).toMatchObject(probe);
    if (!compress) expect(manifest?.deviceInfo.probe).not.toHaveProperty('compressor');
  });
});
