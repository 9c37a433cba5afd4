/** The virtual board, for tests of this package and of MicroPython projects that use it in CI. */

export type { BoardBinding } from './board-binding.js';
export type { BoardContent, Dialect, VirtualBoardOptions } from './board-options.js';
export { CIRCUITPYTHON, CIRCUITPYTHON_WRITABLE, DIALECTS } from './dialects.js';
export type { FolderBoardOptions } from './folder-board.js';
export { startFolderBoard } from './folder-board.js';
export type { WrittenFolder } from './host-folder.js';
export type { BoardPty } from './pty.js';
export type { RemoteBoard } from './remote-board.js';
export { startBoardProcess } from './remote-board.js';
export { sampleProject } from './sample-project.js';
export type { VirtualTree } from './virtual-board.js';
export { VirtualBoard } from './virtual-board.js';
export type { WireCounters } from './wire-counters.js';
export type { FaultPlan, RandomFaults, ScriptedFault, WireDirection } from './wire-faults.js';
