/** Error numbers of a board, as a name for people and as one of our codes. */
import type { ErrorCode } from '../core/errors.js';

/** No such file or folder. */
export const ENOENT = 2;

const NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  [ENOENT]: 'ENOENT, it vanished',
  5: 'EIO, the flash could not be read or written',
  12: 'ENOMEM, the board has too little memory',
  13: 'EACCES',
  16: 'EBUSY',
  17: 'EEXIST, it is there already',
  19: 'ENODEV',
  20: 'ENOTDIR',
  21: 'EISDIR, it is a folder',
  22: 'EINVAL',
  28: 'ENOSPC, no space left',
  30: 'EROFS, the file system is read-only',
  36: 'ENAMETOOLONG',
  39: 'ENOTEMPTY, the folder is not empty',
  255: 'no error number; memory may be short',
};

export function errnoText(errorNumber: number): string {
  return NAMES[errorNumber] ?? `error ${errorNumber}`;
}

export function codeOfErrno(errorNumber: number): ErrorCode {
  if (errorNumber === 28) return 'board/full';
  if (errorNumber === 30) return 'board/read-only';
  return 'board/file';
}
