/** Node's file-system errors as the product's own, naming the file or folder. */
import { BelayError } from '../core/errors.js';

/** Node's `code` of a system error, '' for anything else. */
export function systemCodeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** `doing` reads on: "cannot <doing> <path>". Errors of our own pass through. */
export function diskError(error: unknown, doing: string, path: string): BelayError {
  if (error instanceof BelayError) return error;
  const code = systemCodeOf(error);
  const message = `cannot ${doing} ${path}`;
  const options = { cause: error, details: { path, systemCode: code } };
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new BelayError('store/not-found', `${message}: it does not exist`, options);
    case 'EACCES':
    case 'EPERM':
      return new BelayError('store/permission', `${message}: permission denied`, {
        ...options,
        hint: 'allow your user to write there, or choose another folder with --dir',
      });
    case 'EROFS':
      return new BelayError('store/permission', `${message}: the file system is read-only`, {
        ...options,
        hint: 'choose another folder with --dir',
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new BelayError('store/full', `${message}: no space left`, {
        ...options,
        hint: 'free some space, or choose another disk with --dir',
      });
    case 'EEXIST':
      return new BelayError('store/exists', `${message}: it exists already`, options);
    default:
      return new BelayError('store/io', `${message}: ${code || String(error)}`, options);
  }
}
