/**
 * Finds the constant codes of firmware-helpers/deflate.py and prints its number:
 * node test/bench/run.mjs test/bench/train-codes.ts /usr/lib/python3 /usr/lib/python3.11
 * Half of the Python sources in those folders are used; deflate-ratios.ts tries the other half.
 */
import { limitedCodeLengths } from '../../src/deflate/prefix-code.js';
import { readDeflateTokens } from '../support/deflate-tokens.js';
import { EncoderBoard } from '../support/encoder-board.js';
import { blockHeader } from './kept-header.js';
import { pythonSources } from './python-sources.js';

const LONGEST_LITERAL_BITS = 12;
const LONGEST_DISTANCE_BITS = 9;

const folders = process.argv.slice(3);
const board = await EncoderBoard.start();
// Every symbol needs a code: rare ones count as one.
const literals = new Array<number>(286).fill(1);
const distances = new Array<number>(30).fill(1);
for (const folder of folders) {
  const text = pythonSources(folder, 'training', 600_000);
  console.log(`${folder}: ${text.length} B of text`);
  for (const ringBytes of [4_096, 8_192, 8_192, 16_384]) {
    const shape = { ringBytes, slots: 1_024, ways: 4 } as const;
    const tokens = readDeflateTokens(board.compress(text, ringBytes / 8, shape));
    for (const [symbol, count] of tokens.literalCounts.entries()) literals[symbol]! += count;
    for (const [symbol, count] of tokens.distanceCounts.entries()) distances[symbol]! += count;
  }
}
const lengths = [
  ...limitedCodeLengths(literals, LONGEST_LITERAL_BITS),
  ...limitedCodeLengths(distances, LONGEST_DISTANCE_BITS),
];
const { value, sizeBytes } = blockHeader(lengths);
console.log(`header of ${sizeBytes} bytes\n${value.toString(36)}`);
