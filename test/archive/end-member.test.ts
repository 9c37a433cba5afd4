import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  END_MEMBER_BYTES,
  endMember,
  holdsEnd,
  parseEndMember,
} from '../../src/archive/end-member.js';
import { joinBytes } from '../../src/archive/gzip-member.js';

const record = { headBytes: 1234, manifestSha256: 'a1'.repeat(32), restSha256: '0f'.repeat(32) };
const bytes = endMember(record);

describe('the end of an archive', () => {
  it('is a gzip member of two empty tar blocks, always 184 bytes long', () => {
    expect(gunzipSync(bytes)).toEqual(Buffer.alloc(1024));
    expect([bytes.length, END_MEMBER_BYTES]).toEqual([184, 184]);
    expect(Buffer.from(bytes).toString('latin1')).toContain(
      `belay-blb 1 000000001234 ${record.manifestSha256} ${record.restSha256}\0`,
    );
  });

  it('gives back what it was made of, and nothing after any bit was flipped', () => {
    expect(parseEndMember(bytes)).toEqual(record);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      const found = parseEndMember(flipped);
      // A digit of the comment that became another: another record, whose hashes then disagree.
      if (found !== null) expect(found).not.toEqual(record);
    }
  });

  it('is found wherever it begins', () => {
    const before = Uint8Array.of(0x1f, 0x8b, 8, 0x1f, 0x8b);
    expect(holdsEnd(bytes)).toBe(true);
    expect(holdsEnd(joinBytes([before, bytes.subarray(0, 30)]).subarray(1))).toBe(true);
    expect(holdsEnd(joinBytes([before, bytes]).subarray(0, 20))).toBe(false);
    expect(holdsEnd(bytes.subarray(1))).toBe(false);
  });

  it('is none that is shorter or longer', () => {
    expect(parseEndMember(bytes.subarray(1))).toBeNull();
    expect(parseEndMember(joinBytes([bytes, Uint8Array.of(0)]))).toBeNull();
    expect(parseEndMember(new Uint8Array(0))).toBeNull();
  });
});
