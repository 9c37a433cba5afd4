/** A board whose flash is a folder of this computer: `--port virtual:<folder>`. */
import type { VirtualBoardOptions } from './board-options.js';
import type { WrittenFolder } from './host-folder.js';
import { loadFolder, writeFolder } from './host-folder.js';
import { VirtualBoard } from './virtual-board.js';

export interface FolderBoardOptions extends Omit<VirtualBoardOptions, 'files' | 'uniqueIdHex'> {
  /** Told, when the board has stopped, what was written back. */
  readonly onWritten?: (result: WrittenFolder) => void;
  /** Told of links and devices that were left out. */
  readonly onSkipped?: (paths: readonly string[]) => void;
}

/**
 * Starts a board that holds the folder's files (the folder is made if there is none). When it
 * stops, what changed on its flash is written back; nothing is before that.
 */
export async function startFolderBoard(
  folder: string,
  options: FolderBoardOptions = {},
): Promise<VirtualBoard> {
  const { onWritten, onSkipped, ...rest } = options;
  const loaded = await loadFolder(folder);
  if (loaded.skipped.length > 0) onSkipped?.(loaded.skipped);
  const bytes = [...loaded.files.values()].reduce((sum, file) => sum + (file?.length ?? 0), 0);
  const board = await VirtualBoard.start({
    flashBytes: Math.max(2 << 20, 2 ** Math.ceil(Math.log2(2 * bytes + 1))),
    ...rest,
    files: loaded.files,
    uniqueIdHex: loaded.uniqueIdHex,
  });
  board.onStopped(async () => {
    const result = await writeFolder(loaded.path, loaded.files, await board.dump());
    onWritten?.(result);
  });
  return board;
}
