import { damagedSpecs, transferRow, transferSpecs } from './transfer-rows.js';

const want = process.env.ROW ?? '';
for (const spec of [...transferSpecs(), ...damagedSpecs()]) {
  const name = `${spec.corpus} ${spec.direction} ${spec.label ?? (spec.compressor ? 'on' : 'off')}`;
  if (!new RegExp(want).test(name)) continue;
  try {
    const row = await transferRow(spec);
    console.log(
      row.name.padEnd(28),
      row.seconds.toFixed(2),
      's',
      row.bytesIn,
      row.bytesOut,
      row.turns,
      'turns',
      row.overrunBytes,
      row.ratio?.toFixed(3),
      'goal',
      row.goal.toFixed(2),
      row.goalUnit,
      row.met,
    );
  } catch (e) {
    console.log(name, 'FAILED', e);
  }
}
