/** The virtual board, for tests of this package and of MicroPython projects that use it in CI. */
export { VirtualBoard } from './virtual-board.js';
export type { VirtualTree } from './virtual-board.js';
export type { BoardContent, Dialect, VirtualBoardOptions } from './board-options.js';
export type { FaultPlan, RandomFaults, ScriptedFault, WireDirection } from './wire-faults.js';
export type { WireCounters } from './wire.js';
export { sampleProject } from './sample-project.js';
export type { BoardPty } from './pty.js';
export type { BoardBinding } from './board-binding.js';
export { startFolderBoard } from './folder-board.js';
export type { FolderBoardOptions } from './folder-board.js';
export type { WrittenFolder } from './host-folder.js';
export { startBoardProcess } from './remote-board.js';
export type { RemoteBoard } from './remote-board.js';
