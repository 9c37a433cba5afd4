/**
 * Makes firmware-helpers/phrases.txt: pairs of symbols that are worth a code of their own, the
 * commonest first, each a phrase made of two earlier ones. Run it when the agent's text has changed
 * much: `node test/bench/run.mjs test/bench/train-phrases.ts`. Any list works, this one saves most.
 */
import { writeFileSync } from 'node:fs';
import { helperPart } from '../../src/device/helper-source.js';
import { partsFor } from '../../src/device/identify.js';

/** What a backup and a restore send, as often as they send it. */
const PARTS = ['probe', 'probe-more', ...partsFor('write'), 'inflate-lz', 'read'];
const PHRASES = 128;

let symbols = PARTS.flatMap((part) => [...helperPart(part), '\n']);
const phrases: string[] = [];
while (phrases.length < PHRASES) {
  const [first, second] = commonestPair(symbols);
  phrases.push(first + second);
  symbols = joined(symbols, first, second);
}
const lines = phrases.map((phrase) => `${JSON.stringify(phrase)}\n`);
writeFileSync(new URL('../../firmware-helpers/phrases.txt', import.meta.url), lines.join(''));
console.log(`${PARTS.length} parts are ${symbols.length} symbols`);

/** Two quotes never become one: three of them would end the literal that carries the pairs. */
function commonestPair(text: readonly string[]): readonly [string, string] {
  const counts = new Map<string, number>();
  let best = '';
  for (let at = 1; at < text.length; at += 1) {
    const pair = `${text[at - 1]}\0${text[at]}`;
    if (pair === "'\0'") continue;
    const count = (counts.get(pair) ?? 0) + 1;
    counts.set(pair, count);
    if (count > (counts.get(best) ?? 0)) best = pair;
  }
  return best.split('\0') as [string, string];
}

function joined(text: readonly string[], first: string, second: string): string[] {
  const out: string[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const isPair = text[at] === first && text[at + 1] === second;
    out.push(isPair ? first + second : (text[at] as string));
    if (isPair) at += 1;
  }
  return out;
}
