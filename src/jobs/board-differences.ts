/** What a user should know before files of one board go onto another. */
import type { Manifest, ManifestDeviceInfo } from '../archive/manifest.js';
import type { BoardInfo } from '../device/device-fs.js';
import type { JobWarning } from './context.js';

/** The firmware of files that come from no board: there is nothing to differ from. */
export const IMPORTED = 'imported';

export function boardDifferences(
  source: {
    readonly device: ManifestDeviceInfo;
    readonly scope: Manifest['scope'];
  },
  info: BoardInfo,
  targets: readonly string[],
): readonly JobWarning[] {
  const { device } = source;
  if (device.firmware === IMPORTED) return [];
  const warnings: JobWarning[] = [];
  const warn = (code: string, message: string) => warnings.push({ code, message, path: null });
  if (device.uniqueId !== info.uniqueId) {
    warn('other-board', `the backup is of ${nameOf(device)}, the board is ${nameOf(info)}`);
  }
  if (device.machine !== info.machine) {
    warn('other-machine', `the backup is of a ${device.machine}, the board is a ${info.machine}`);
  }
  if (device.firmware !== info.firmware) {
    warn('other-firmware', `the backup is of ${device.firmware}, the board runs ${info.firmware}`);
  }
  const bytecode = bytecodeProblem(device.mpy, info.mpy);
  if (bytecode !== null && targets.some((path) => path.endsWith('.mpy')))
    warn('other-bytecode', bytecode);
  const mounts = new Set(info.mounts.map((mount) => mount.path));
  for (const root of source.scope.roots) {
    if (root !== '' && !mounts.has(root)) {
      warn(
        'mount-missing',
        `/${root} was a mount on the backup's board and is none here: its files become a plain folder`,
      );
    }
  }
  return warnings;
}

function nameOf(board: { readonly machine: string; readonly uniqueId: string | null }): string {
  return board.uniqueId === null ? board.machine : `${board.machine} ${board.uniqueId}`;
}

/** sys.implementation._mpy: the low byte is the version, bits 10 and up the architecture (docs/reference/mpyfiles.rst). */
function bytecodeProblem(before: number | null, now: number | null): string | null {
  if (before === null || now === null) return null;
  if ((before & 0xff) !== (now & 0xff)) {
    return `.mpy files were made for bytecode version ${before & 0xff}, the board runs version ${now & 0xff}`;
  }
  if (before >> 10 !== now >> 10) return '.mpy files may hold native code of another processor';
  return null;
}
