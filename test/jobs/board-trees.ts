/** Boards and trees for the tests of this folder. */
import fc from 'fast-check';
import type { Manifest, ManifestDeviceInfo } from '../../src/archive/manifest.js';
import type { Tree } from '../../src/core/tree.js';
import type { BoardInfo, BoardOperation } from '../../src/device/device-fs.js';
import { deviceInfoOf } from '../../src/jobs/board-identity.js';
import type {
  PlannedOperation,
  RestorePlan,
  RestorePlanInput,
} from '../../src/jobs/plan-restore.js';
import type { MemoryBoard, MemoryContent } from '../support/memory-board.js';

const name = fc.constantFrom('a', 'b', 'c', 'main.py', 'é');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const content = fc.constantFrom('', 'x', 'yy', 'print(1)\n', 'z'.repeat(5000));

/** A consistent set of files and folders: no file stands where another entry needs a folder. */
export const boardContent: fc.Arbitrary<MemoryContent> = fc
  .array(fc.tuple(path, fc.oneof({ weight: 4, arbitrary: content }, fc.constant(null))), {
    maxLength: 8,
  })
  .map((pairs) => {
    const files: Record<string, string | null> = {};
    for (const [at, text] of pairs) {
      const key = text === null ? `${at}/` : at;
      const clashes = Object.keys(files).some(
        (other) =>
          other === at ||
          other === `${at}/` ||
          (!other.endsWith('/') && at.startsWith(`${other}/`)) ||
          (text !== null && other.startsWith(`${at}/`)),
      );
      if (!clashes) files[key] = text;
    }
    return files;
  });

const signal = new AbortController().signal;

export async function treeOf(board: MemoryBoard): Promise<Tree> {
  const { tree } = await board.scan({
    roots: [''],
    mounts: [],
    hashes: 'content',
    signal,
  });
  return tree;
}

export const WHOLE_BOARD: Manifest['scope'] = {
  roots: [''],
  path: '',
  patterns: { include: [], exclude: [] },
};

export function deviceOf(info: BoardInfo): ManifestDeviceInfo {
  return deviceInfoOf(info, null, null);
}

export async function planInput(
  source: MemoryBoard,
  target: MemoryBoard,
  changes: Partial<RestorePlanInput> = {},
): Promise<RestorePlanInput> {
  return {
    source: {
      tree: await treeOf(source),
      scope: WHOLE_BOARD,
      device: deviceOf(source.info),
    },
    board: {
      tree: await treeOf(target),
      info: target.info,
      scannedMounts: new Set(['']),
    },
    selection: { paths: [], include: [], exclude: [] },
    to: '',
    map: [],
    overwrite: 'if-changed',
    delete: false,
    inPlace: false,
    safety: true,
    ...changes,
  };
}

/** Carries a plan out, content taken from `source`. Throws where an operation fails. */
export async function carryOut(
  plan: RestorePlan,
  source: MemoryBoard,
  target: MemoryBoard,
): Promise<void> {
  const operations = plan.operations.map((operation) => boardOperation(operation, source));
  const options = {
    strategy: plan.strategy,
    keepGoing: false,
    verify: true,
    signal,
  };
  for await (const event of target.apply(operations, options)) {
    if (event.kind === 'failed')
      throw new Error(`${event.operation.kind} ${event.operation.path}: ${event.message}`);
  }
}

function boardOperation(operation: PlannedOperation, source: MemoryBoard): BoardOperation {
  if (operation.kind !== 'put') return operation;
  const { path: at, sizeBytes, sha256, modifiedS } = operation;
  return {
    kind: 'put',
    path: at,
    sizeBytes,
    sha256,
    modifiedS,
    content: async function* () {
      yield source.files.get(operation.source)?.bytes ?? new Uint8Array();
    },
  };
}
