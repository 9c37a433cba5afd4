/**
 * `npm run bench [-- <section>...]`: every figure that Belay promises, measured and printed beside
 * its goal, and written as JSON to dist/bench.json. Nothing here fails a build: a machine that is
 * busy with other work shows it in the seconds, while bytes and turns stay what they are.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { agentRows } from './agent-rows.js';
import { chainRows } from './chain-rows.js';
import { commandRows } from './command-rows.js';
import { hostRows } from './host-rows.js';
import { microbitRows } from './microbit-rows.js';
import { damagedSpecs, type TransferRow, transferSpecs } from './transfer-rows.js';

interface FigureRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: number | null;
  readonly met: boolean | null;
}

type Section = 'transfer' | 'damage' | 'agent' | 'microbit' | 'chains' | 'host' | 'command';

const SECTIONS: Readonly<
  Record<Section, { readonly title: string; readonly run: () => Promise<readonly unknown[]> }>
> = {
  transfer: {
    title: 'Whole commands on a wire of 11,520 B/s and 1 ms each way (limit: payload / 11,520 B/s)',
    run: () => transfers('transfer', transferSpecs().length),
  },
  damage: {
    title: 'The same with 1 byte in 10,000 dropped, flipped or inserted',
    run: () => transfers('damage', damagedSpecs().length),
  },
  agent: { title: 'What the agent costs a board', run: () => figures(agentRows()) },
  microbit: { title: 'What a micro:bit v1 must have free', run: microbitFigures },
  chains: { title: 'Archives and chains on this computer', run: () => figures(chainRows()) },
  host: {
    title: 'This computer alone: decode, inflate, hash, archive',
    run: () => figures(hostRows()),
  },
  command: { title: 'The command', run: () => figures(commandRows()) },
};

/** Takes minutes under QEMU; all the others together end well within ten. */
const ON_REQUEST: readonly Section[] = ['microbit'];

const say = (line: string) => process.stdout.write(`${line}\n`);

async function transfers(
  list: 'transfer' | 'damage',
  count: number,
): Promise<readonly TransferRow[]> {
  say(
    `  ${'row'.padEnd(26)}${'seconds'.padStart(9)}${'in'.padStart(9)}${'out'.padStart(9)}${'turns'.padStart(7)}${'ratio'.padStart(8)}  goal`,
  );
  const rows: TransferRow[] = [];
  for (let index = 0; index < count; index += 1) {
    const row = await ownProcess(list, index);
    rows.push(row);
    const counted = `${String(row.bytesIn).padStart(9)}${String(row.bytesOut).padStart(9)}${String(row.turns).padStart(7)}`;
    const ratio = row.ratio === null ? '' : row.ratio.toFixed(3);
    say(
      `  ${row.name.padEnd(26)}${row.seconds.toFixed(2).padStart(9)}${counted}${ratio.padStart(8)}  ${verdict(row)}`,
    );
    if (row.overrunBytes > 0)
      say(`    the board's receive ring lost ${row.overrunBytes} bytes, which were sent again`);
  }
  return rows;
}

async function ownProcess(list: 'transfer' | 'damage', index: number): Promise<TransferRow> {
  const here = import.meta.dirname;
  const script = [join(here, 'run.mjs'), join(here, 'transfer-row.ts'), list, String(index)];
  const { stdout } = await promisify(execFile)(process.execPath, script);
  return JSON.parse(stdout) as TransferRow;
}

async function figures(rows: Promise<readonly FigureRow[]>): Promise<readonly FigureRow[]> {
  for (const row of await rows) {
    say(
      `  ${row.name.padEnd(58)}${shown(row.value).padStart(10)} ${row.unit.padEnd(6)}${row.goal === null ? '' : verdict({ ...row, goalUnit: row.unit })}`,
    );
  }
  return rows;
}

async function microbitFigures(): Promise<readonly FigureRow[]> {
  const rows = await microbitRows();
  if (typeof rows !== 'string') return figures(Promise.resolve(rows));
  say(`  not measured: ${rows}`);
  return [];
}

function shown(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en') : value.toFixed(3);
}

function verdict(row: {
  readonly goal: number | null;
  readonly goalUnit: string;
  readonly met: boolean | null;
}): string {
  return `${shown(row.goal ?? 0)} ${row.goalUnit}  ${row.met ? 'met' : 'SHORT'}`;
}

async function main(): Promise<void> {
  const names = Object.keys(SECTIONS) as Section[];
  const asked = process.argv.slice(3);
  const unknown = asked.filter((name) => !names.includes(name as Section));
  if (unknown.length > 0)
    throw new Error(`no section ${unknown.join(', ')}; there are ${names.join(', ')}`);
  say(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`);
  const results: Record<string, readonly unknown[]> = {};
  const start = performance.now();
  const usual = names.filter((name) => !ON_REQUEST.includes(name));
  for (const name of asked.length === 0 ? usual : names.filter((each) => asked.includes(each))) {
    say(`\n${SECTIONS[name].title}`);
    results[name] = await SECTIONS[name].run();
  }
  const file = join(resolve(import.meta.dirname, '../..'), 'dist', 'bench.json');
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  const short = Object.values(results)
    .flat()
    .filter((row) => (row as FigureRow).met === false) as FigureRow[];
  if (asked.length === 0) say(`\nLeft out: npm run bench -- ${ON_REQUEST.join(' ')}`);
  say(`\n${((performance.now() - start) / 1000).toFixed(0)} s in all; written to ${file}`);
  say(
    short.length === 0
      ? 'Every goal is met.'
      : `Short of the goal: ${short.map((row) => row.name).join('; ')}`,
  );
}

await main();
