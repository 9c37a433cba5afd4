/**
 * One transfer row in a process of its own, as a user's command has one: what other rows left on the
 * heap, or made fast already, is none of its business. Prints the row as JSON.
 */
import { damagedSpecs, transferRow, transferSpecs } from './transfer-rows.js';

const [list, index] = process.argv.slice(3);
const spec = (list === 'damage' ? damagedSpecs() : transferSpecs())[Number(index)];
if (spec === undefined) throw new Error(`no row ${list} ${index}`);
process.stdout.write(JSON.stringify(await transferRow(spec)));
