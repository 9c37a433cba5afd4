/**
 * Prints what the board's encoder makes of the benchmark's text and of Python sources that its
 * codes were not trained on, for shapes from 3 kB of memory up, beside zlib:
 * node test/bench/run.mjs test/bench/deflate-ratios.ts [folder of Python sources, ...]
 */
import { deflateRawSync } from 'node:zlib';
import { EncoderBoard, type EncoderShape } from '../support/encoder-board.js';
import { corpus } from './corpus.js';
import { pythonSources } from './python-sources.js';

const SHAPES: readonly EncoderShape[] = [
  { ringBytes: 1_024, slots: 128, ways: 4 },
  { ringBytes: 2_048, slots: 128, ways: 4 },
  { ringBytes: 4_096, slots: 256, ways: 4 },
  { ringBytes: 4_096, slots: 512, ways: 4 },
  { ringBytes: 8_192, slots: 512, ways: 4 },
  { ringBytes: 8_192, slots: 1_024, ways: 1 },
  { ringBytes: 8_192, slots: 1_024, ways: 4 },
  { ringBytes: 8_192, slots: 512, ways: 8 },
  { ringBytes: 8_192, slots: 1_024, ways: 8 },
  { ringBytes: 16_384, slots: 512, ways: 8 },
  { ringBytes: 16_384, slots: 1_024, ways: 8 },
  { ringBytes: 32_768, slots: 2_048, ways: 8 },
];

const given = process.argv.slice(3);
const folders = given.length > 0 ? given : ['/usr/lib/python3', '/usr/lib/python3.11'];
const inputs = new Map<string, Uint8Array>();
for (const name of ['A', 'B', 'D'] as const) {
  inputs.set(name, new Uint8Array(Buffer.concat(corpus(name).files.map((file) => file.bytes))));
}
for (const folder of folders) {
  const text = pythonSources(folder, 'unseen', 200_000);
  if (text.length > 0) inputs.set(`unseen ${folder}`, text);
}

const columns = [...inputs.keys()];
const row = (title: string, ratios: readonly number[]) =>
  console.log(
    title.padEnd(34),
    ratios.map((ratio, index) => ratio.toFixed(3).padStart(columns[index]!.length)).join('  '),
  );
console.log(''.padEnd(34), columns.join('  '));
const board = await EncoderBoard.start();
for (const shape of SHAPES) {
  const { ringBytes, slots, ways } = shape;
  const memoryBytes = ringBytes + 2 * (448 + slots * ways);
  const title = `${memoryBytes} B: ring ${ringBytes}, ${slots} x ${ways}`;
  const chunkBytes = Math.min(1_024, ringBytes / 4);
  const ratioOf = (text: Uint8Array) =>
    board.compress(text, chunkBytes, shape).length / text.length;
  row(title, [...inputs.values()].map(ratioOf));
}
for (const windowBits of [9, 10, 11, 12, 13, 15]) {
  const ratioOf = (text: Uint8Array) =>
    deflateRawSync(text, { level: 9, windowBits, memLevel: 9 }).length / text.length;
  row(`zlib -9, window 2^${windowBits}`, [...inputs.values()].map(ratioOf));
}
