/** A restore's operations as the steps that the agent carries out, in order. Pure but for content. */
import { bytesOfPath, isWithin, joinPath, parentOfPath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import type { ApplyOptions, BoardOperation } from './device-fs.js';

export type PutOperation = Extract<BoardOperation, { kind: 'put' }>;

/** What a step's success means for its operation. */
export type StepMeaning = 'staged' | 'done' | 'none';

export interface UploadStep {
  readonly operation: BoardOperation;
  readonly meaning: StepMeaning;
  readonly kind: 'make-folder' | 'put' | 'rename' | 'delete-file' | 'delete-folder' | 'verify';
  readonly path: string;
  /** rename: the final name. */
  readonly target?: string;
}

const CODES: Readonly<Record<UploadStep['kind'], number>> = {
  'make-folder': 1,
  put: 2,
  rename: 3,
  'delete-file': 4,
  'delete-folder': 5,
  verify: 6,
};

export const TEMPORARY_PREFIX = '.blb~';

export function uploadSteps(operations: readonly BoardOperation[], options: Pick<ApplyOptions, 'strategy' | 'verify'>): readonly UploadStep[] {
  const temporary = temporaryNames(operations);
  const before: UploadStep[] = [];
  const steps: UploadStep[] = [];
  for (const operation of operations) {
    if (operation.kind !== 'put') {
      steps.push({ operation, meaning: 'done', kind: operation.kind, path: operation.path });
      continue;
    }
    const done = options.verify ? 'none' : 'done';
    if (options.strategy === 'in-place') {
      steps.push({ operation, meaning: 'staged', kind: 'put', path: operation.path });
      steps.push({ operation, meaning: 'done', kind: 'verify', path: operation.path });
      continue;
    }
    const path = temporary.get(operation) as string;
    (options.strategy === 'staged' ? before : steps).push({ operation, meaning: 'staged', kind: 'put', path });
    steps.push({ operation, meaning: done, kind: 'rename', path, target: operation.path });
    if (options.verify) steps.push({ operation, meaning: 'done', kind: 'verify', path: operation.path });
  }
  return [...before, ...steps];
}

/** Short names beside the target; where its folder is only made later, in the nearest one there is. */
function temporaryNames(operations: readonly BoardOperation[]): ReadonlyMap<BoardOperation, string> {
  const made = operations.filter((each) => each.kind === 'make-folder').map((each) => each.path);
  const names = new Map<BoardOperation, string>();
  for (const operation of operations) {
    if (operation.kind !== 'put') continue;
    let folder = parentOfPath(operation.path);
    while (folder !== '' && made.some((path) => isWithin(folder, path))) folder = parentOfPath(folder);
    names.set(operation, joinPath(folder, `${TEMPORARY_PREFIX}${names.size}`));
  }
  return names;
}

/** One step in the agent's logical stream; a put's content follows its head. */
export async function* encodeStep(step: UploadStep, digest: (operation: PutOperation) => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  const path = Buffer.concat([Buffer.from('/'), bytesOfPath(step.path)]);
  const head = [Buffer.of(CODES[step.kind]), number32(path.length), path];
  if (step.kind === 'rename') {
    const target = Buffer.concat([Buffer.from('/'), bytesOfPath(step.target as string)]);
    head.push(number32(target.length), target);
  } else if (step.kind === 'verify') {
    const hash = await digest(step.operation as PutOperation);
    head.push(number32(hash.length), Buffer.from(hash));
  } else if (step.kind === 'put') {
    const operation = step.operation as PutOperation;
    head.push(number32(operation.sizeBytes), Buffer.from(await digest(operation)));
    yield Buffer.concat(head);
    yield* exactContent(operation);
    return;
  }
  yield Buffer.concat(head);
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

async function* exactContent(operation: PutOperation): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const part of operation.content()) {
    bytes += part.length;
    if (bytes > operation.sizeBytes) break;
    yield part;
  }
  if (bytes !== operation.sizeBytes) {
    throw new BelayError('archive/damaged', `/${operation.path}: the archive gave ${bytes} bytes instead of ${operation.sizeBytes}`);
  }
}
