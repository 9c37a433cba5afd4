/** Where a board's clock counts from. Pure. */
import type { BoardInfo } from './device-fs.js';

const SECONDS_1970_TO_2000 = 946_684_800;

/** From 1970 to the zero of the board's clock, in seconds (extmod/vfs_lfsx.c converts for stat). */
export function epochOffsetS({ epochYear }: Pick<BoardInfo, 'epochYear'>): number {
  return epochYear === 2000 ? SECONDS_1970_TO_2000 : 0;
}
