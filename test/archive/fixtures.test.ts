/** Golden archives are read for ever; damaged ones are refused, each with its own code. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readBlbFile, readBlbHead, validateBlb, verifyBlb } from '../../src/archive/blb-reader.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { encodeManifest } from '../../src/archive/manifest-codec.js';
import type { BelayError } from '../../src/core/errors.js';
import {
  addFixtures,
  DAMAGED_FOLDER,
  GOLDEN_FOLDER,
  goldenArchives,
} from '../support/archive-fixtures.js';
import { takeApart } from '../support/archive-forging.js';
import { sha256Of } from '../support/archive-making.js';

const signal = new AbortController().signal;
if (process.env['BELAY_ADD_FIXTURES'] === '1') console.log('added:', await addFixtures());

function namesIn(folder: URL): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.blb'))
    .map((name) => name.slice(0, -4));
}

const read = (folder: URL, file: string) => new Uint8Array(readFileSync(new URL(file, folder)));
const readJson = (folder: URL, file: string) =>
  JSON.parse(readFileSync(new URL(file, folder), 'utf8'));

describe('golden archives of version 1', () => {
  it.each(namesIn(GOLDEN_FOLDER))('%s is read, whole, as what it was', async (name) => {
    const bytes = read(GOLDEN_FOLDER, `${name}.blb`);
    const source = byteSourceOf(bytes, `${name}.blb`);
    const head = await verifyBlb(source, { signal });
    expect(head.manifest).toEqual(readJson(GOLDEN_FOLDER, `${name}.json`));
    expect(sha256Of(encodeManifest(head.manifest))).toBe(head.manifestSha256);
    for (const entry of head.manifest.files) {
      if ('error' in entry || entry.isDirectory || entry.member === undefined) continue;
      let length = 0;
      for await (const chunk of readBlbFile(source, head, entry)) length += chunk.length;
      expect(length).toBe(entry.originalSize);
    }
  });

  it('are what this version writes, but for the choices of the deflater', async () => {
    const made = await goldenArchives();
    expect([...made.keys()].sort()).toEqual(namesIn(GOLDEN_FOLDER).sort());
    for (const [name, bytes] of made) {
      const now = await takeApart(bytes);
      const then = await takeApart(read(GOLDEN_FOLDER, `${name}.blb`));
      expect(now.tars.map(sha256Of)).toEqual(then.tars.map(sha256Of));
      expect(now.manifest.files.map((entry) => entry.relativePath)).toEqual(
        then.manifest.files.map((entry) => entry.relativePath),
      );
      expect(now.manifest.stateHash).toBe(then.manifest.stateHash);
      expect(now.manifest.integrityChecksum).toBe(then.manifest.integrityChecksum);
    }
  });

  it('are not overwritten by adding', async () => {
    expect(await addFixtures()).toEqual([]);
  });
});

describe('damaged archives', () => {
  it.each(namesIn(DAMAGED_FOLDER))('%s is refused with its code', async (name) => {
    const { code, exitCode } = readJson(DAMAGED_FOLDER, `${name}.json`);
    const source = byteSourceOf(read(DAMAGED_FOLDER, `${name}.blb`), `${name}.blb`);
    const error = await verifyBlb(source, { signal }).then(
      () => null,
      (thrown: BelayError) => thrown,
    );
    expect([error?.code, error?.exitCode]).toEqual([code, exitCode]);
    expect(error?.message).toMatch(new RegExp(`^${name}\\.blb: [^\\u0000-\\u001f]+$`));
    const { findings } = await validateBlb(source, { signal });
    expect(findings.map((finding) => finding.code)).toContain(code);
  });

  it('of a newer version can still be listed', async () => {
    const source = byteSourceOf(read(DAMAGED_FOLDER, 'newer.blb'), 'newer.blb');
    const error = await readBlbHead(source).catch((thrown: unknown) => thrown as BelayError);
    expect((error as BelayError).details.frozen).toMatchObject({
      formatVersion: 2,
      sequence: 1,
      backupType: 'full',
    });
  });
});
