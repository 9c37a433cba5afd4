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
  if (device.firmware === info.firmware && device.version !== info.version) {
    warn(
      'other-version',
      `the backup is of version ${device.version}, the board runs ${info.version}`,
    );
  }
  const flashBytes = rootBytes(device.mounts);
  const hereBytes = rootBytes(info.mounts);
  if (flashBytes !== null && hereBytes !== null && hereBytes < flashBytes) {
    warn(
      'smaller-flash',
      `the backup's board has room for ${flashBytes} bytes, this one for ${hereBytes}`,
    );
  }
  if (info.firmware === 'micropython' && device.firmware === 'circuitpython') {
    for (const path of targets.filter((target) => target === 'code.py')) {
      warnings.push({
        code: 'not-started',
        message: 'MicroPython starts main.py, not code.py',
        path,
      });
    }
  }
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

/** What the file system at the root holds in all; null where nothing is known of it. */
function rootBytes(
  mounts: readonly { readonly path: string; readonly totalBytes: number | null }[],
): number | null {
  return mounts.find((mount) => mount.path === '' || mount.path === 'flash')?.totalBytes ?? null;
}
