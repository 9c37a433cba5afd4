/** The virtual board, for tests of this package and of MicroPython projects that use it in CI. */
export { VirtualBoard } from './virtual-board.js';
export type { VirtualTree } from './virtual-board.js';
export type { BoardContent, Dialect, VirtualBoardOptions } from './board-options.js';
export type { FaultPlan, RandomFaults, ScriptedFault, WireDirection } from './wire-faults.js';
export type { WireCounters } from './wire.js';
export { sampleProject } from './sample-project.js';
