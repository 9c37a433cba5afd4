import { describe, expect, it } from 'vitest';
import { rehearse } from '../../src/archive/rehearsal.js';
import { draftOf } from '../support/archive-making.js';

const options = { compress: true, signal: new AbortController().signal };

describe('a rehearsal of an archive', () => {
  it('passes with a draft that readers accept', async () => {
    await rehearse(draftOf(), options);
  });

  it('refuses what finishing the archive would refuse', async () => {
    const draft = draftOf({ createdAt: 'yesterday' });
    await expect(rehearse(draft, options)).rejects.toMatchObject({ code: 'archive/manifest' });
  });
});
