/** Which board something is of. Everything that groups backups by board asks here. */

export interface BoardIdentity {
  readonly uniqueId: string | null;
  readonly usbSerial: string | null;
  readonly boardName: string | null;
}

/**
 * The key that all backups of one board share: its unique id, else its USB serial number, else
 * the name that the user gave; null where a board has none of them, and so no automatic chain.
 */
export function boardKeyOf(board: BoardIdentity): string | null {
  if (board.uniqueId) return board.uniqueId;
  if (board.usbSerial) return `usb:${board.usbSerial}`;
  if (board.boardName) return `name:${board.boardName}`;
  return null;
}

/**
 * The same for what is kept and let go: boards that nothing tells apart are one of their kind, and
 * never one with those of another kind.
 */
export function boardGroupOf(board: BoardIdentity & { readonly machine: string }): string {
  return boardKeyOf(board) ?? `unknown:${board.machine}`;
}
