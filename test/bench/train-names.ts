/**
 * Deals the short names of firmware-helpers/names.txt out again, so that what is sent becomes as
 * short as it gets when it is deflated: swaps two of them as long as that saves bytes. Run it when
 * parts have changed much: `node test/bench/run.mjs test/bench/train-names.ts`. Always the same for
 * the same parts; any other dealing works as well.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { partsFor } from '../../src/device/identify.js';
import { minifyPython, nameClash } from '../../src/device/minify-python.js';

const folder = new URL('../../firmware-helpers/', import.meta.url);
const file = new URL('names.txt', folder);
const SWAPS = 80_000;

/** What one exec carries each: of a restore, of a backup, of a backup that is compressed. */
const EXECS = [
  ['probe', ...partsFor('write')],
  ['probe', ...partsFor('read')],
  ['pack', 'deflate'],
];

const sourceOf = (part: string) => readFileSync(new URL(`${part}.py`, folder), 'utf8');
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.py'))
  .map((name) => sourceOf(name.slice(0, -3)));
const before = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => line.split(' ') as [string, string]);
const words = before.map(([, word]) => word);

/** The execs with a mark for each word, which a name takes the place of. */
const marks = new Map(words.map((word, at) => [word, `QQ${at}QQ`]));
const texts = EXECS.map((parts) =>
  parts.map((part) => minifyPython(sourceOf(part), marks)).join('\n'),
);

function cost(names: readonly string[]): number {
  return texts.reduce((sum, text) => {
    const named = text.replace(/QQ(\d+)QQ/g, (_, at) => names[Number(at)] as string);
    return sum + deflateRawSync(named, { level: 9, windowBits: 12, memLevel: 9 }).length;
  }, 0);
}

function clashes(names: readonly string[], swapped: readonly number[]): boolean {
  const some = new Map(swapped.map((at) => [words[at] as string, names[at] as string]));
  return sources.some((source) => nameClash(source, some) !== null);
}

let seed = 1;
function random(below: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
  return (seed >>> 8) % below;
}

let names: readonly string[] = before.map(([name]) => name);
let least = cost(names);
console.log(`${least} bytes in ${EXECS.length} execs`);
for (let swap = 0; swap < SWAPS; swap += 1) {
  const [a, b] = [random(names.length), random(names.length)];
  const other = names.with(a, names[b] as string).with(b, names[a] as string);
  const bytes = cost(other);
  if (bytes >= least || clashes(other, [a, b])) continue;
  [names, least] = [other, bytes];
}
console.log(`${least} bytes`);
writeFileSync(file, words.map((word, at) => `${names[at]} ${word}\n`).join(''));
