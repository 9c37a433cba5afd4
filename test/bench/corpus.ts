/**
 * The boards of the benchmark, made from a seed: always the same bytes. Text is Python as it is
 * written for boards; node's zlib at level 9 brings 200 kB of it to between 0.25 and 0.35
 * (corpus.test.ts), as it does with real drivers and applications.
 */
import { type Random, seededRandom } from './corpus-random.js';
import { compiledModule, logLines, projectVocabulary, pythonText } from './corpus-text.js';

export interface CorpusFile {
  /** Absolute on the board, parts joined by `/`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface Corpus {
  readonly name: string;
  /** Every folder, parents before children. */
  readonly folders: readonly string[];
  readonly files: readonly CorpusFile[];
  readonly sizeBytes: number;
}

export type CorpusName = 'A' | 'B' | 'C' | 'D';

/** One of the four payloads of the benchmark. */
export function corpus(name: CorpusName): Corpus {
  return { A: smallProject, B: manySmallFiles, C: randomFile, D: textFile }[name]();
}

const encoder = new TextEncoder();

/** A: 50 files, 115,630 B, 8 folders: 41 .py, 4 .mpy, 5 of random bytes (26,000 B). */
function smallProject(): Corpus {
  const random = seededRandom(1);
  const project = projectVocabulary(random);
  const folders = [
    '/lib',
    '/lib/drivers',
    '/lib/net',
    '/app',
    '/app/views',
    '/data',
    '/data/cache',
    '/tests',
  ];
  const homes = ['', '/lib', '/lib/drivers', '/lib/net', '/app', '/app/views', '/tests'];
  const files: CorpusFile[] = [];
  for (const sizeBytes of [12_000, 8_000, 4_000, 1_500, 500]) {
    const path = `/data/${files.length % 2 ? 'cache/' : ''}sample${files.length}.bin`;
    files.push({ path, bytes: random.bytes(sizeBytes) });
  }
  for (const sizeBytes of [2_900, 2_400, 2_100, 1_700]) {
    files.push({
      path: `/lib/module${files.length}.mpy`,
      bytes: compiledModule(random, sizeBytes),
    });
  }
  const sizes = sharesOf(random, 115_630 - 26_000 - 9_100, 41);
  for (const [index, sizeBytes] of sizes.entries()) {
    const name =
      ['boot', 'main'][index] ??
      `${random.pick(['sensor', 'motor', 'task', 'view', 'client'])}_${index}`;
    const home = index < 2 ? '' : homes[index % homes.length];
    files.push({
      path: `${home}/${name}.py`,
      bytes: encoder.encode(pythonText(random, sizeBytes, project)),
    });
  }
  return asCorpus('A', folders, files);
}

/** B: 500 files of 200 B of text in 10 folders. */
function manySmallFiles(): Corpus {
  const random = seededRandom(2);
  const project = projectVocabulary(random);
  const folders = Array.from({ length: 10 }, (_, index) => `/part${index}`);
  const files = Array.from({ length: 500 }, (_, index) => ({
    path: `/part${index % 10}/item_${index}.py`,
    bytes: encoder.encode(pythonText(random, 200, project)),
  }));
  return asCorpus('B', folders, files);
}

/** C: 204,800 random bytes in one file. */
function randomFile(): Corpus {
  return asCorpus('C', [], [{ path: '/random.bin', bytes: seededRandom(3).bytes(204_800) }]);
}

/** D: 204,800 B of Python text in one file. */
function textFile(): Corpus {
  const random = seededRandom(4);
  const bytes = encoder.encode(pythonText(random, 204_800, projectVocabulary(random)));
  return asCorpus('D', [], [{ path: '/text.py', bytes }]);
}

/**
 * The tree of the archive benchmark after `step` steps of its life (0: as it was made): 84 files,
 * 205,640 B at first; every step appends 60 lines to /log.txt and 2 lines to /main.py.
 */
export function growingProject(step: number): Corpus {
  const random = seededRandom(5);
  const project = projectVocabulary(random);
  const folders = ['/lib', '/lib/umqtt', '/lib/display', '/app', '/app/pages', '/www', '/data'];
  const logText = logLines(random, 40, 0);
  const plain = 84 - 2;
  const sizes = sharesOf(random, 205_640 - logText.length - 3_000, plain);
  const files: CorpusFile[] = sizes.map((sizeBytes, index) => ({
    path: `${folders[index % folders.length]}/file_${index}.${index % 9 === 8 ? 'mpy' : 'py'}`,
    bytes:
      index % 9 === 8
        ? compiledModule(random, sizeBytes)
        : encoder.encode(pythonText(random, sizeBytes, project)),
  }));
  let log = logText;
  let main = pythonText(random, 3_000, project);
  const life = seededRandom(6);
  for (let index = 0; index < step; index += 1) {
    log += logLines(life, 60, 40 + 60 * index);
    main += `counter_${index} = ${life.below(10_000)}\nprint('step', counter_${index})\n`;
  }
  files.push({ path: '/log.txt', bytes: encoder.encode(log) });
  files.push({ path: '/main.py', bytes: encoder.encode(main) });
  return asCorpus(`growing project, step ${step}`, folders, files);
}

function asCorpus(name: string, folders: readonly string[], files: readonly CorpusFile[]): Corpus {
  return {
    name,
    folders,
    files,
    sizeBytes: files.reduce((sum, file) => sum + file.bytes.length, 0),
  };
}

/** `count` uneven sizes (a fifth to about three times their mean) that add up to `total`. */
function sharesOf(random: Random, total: number, count: number): number[] {
  const weights = Array.from({ length: count }, () => 0.2 + random.unit() ** 2 * 3);
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const sizes = weights.map((weight) => Math.floor((weight / sum) * total));
  sizes[0] = (sizes[0] ?? 0) + total - sizes.reduce((all, size) => all + size, 0);
  return sizes;
}
