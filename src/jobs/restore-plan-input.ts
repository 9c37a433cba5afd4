/** Everything a restore is planned from: values alone. */
import type { Manifest, ManifestDeviceInfo } from '../archive/manifest.js';
import type { Tree } from '../core/tree.js';
import type { BoardInfo } from '../device/device-fs.js';
import type { BytecodeHeader } from './bytecode.js';
import type { OverwritePolicy } from './restore-plan.js';
import type { PathRule, Selection } from './restore-selection.js';

export interface RestorePlanInput {
  readonly source: {
    readonly tree: Tree;
    readonly scope: Manifest['scope'];
    readonly device: ManifestDeviceInfo;
    /** Files whose content no archive holds: restored by nobody, refused by name. */
    readonly missing?: ReadonlySet<string>;
  };
  readonly board: {
    /** With content hashes. */
    readonly tree: Tree;
    readonly info: BoardInfo;
    /** Paths of the mounts that `tree` lists; the others are not touched. */
    readonly scannedMounts: ReadonlySet<string>;
  };
  /** First bytes of the backup's .mpy files, by their path in it; those left out are not judged. */
  readonly bytecode?: ReadonlyMap<string, BytecodeHeader | null>;
  /** Write also what this board cannot run. */
  readonly allowUnfit?: boolean;
  readonly selection: Selection;
  readonly to: string;
  readonly map: readonly PathRule[];
  readonly overwrite: OverwritePolicy;
  readonly delete: boolean;
  readonly inPlace: boolean;
  /** What is overwritten or deleted is saved first: what cannot be read may then not be touched. */
  readonly safety: boolean;
}
