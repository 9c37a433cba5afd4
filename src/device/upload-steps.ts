/** A restore's operations as the steps that the agent carries out, in order. Pure but for content. */
import { bytesOfPath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import type { ApplyOptions, BoardOperation } from './device-fs.js';
import type { PutOperation, UploadDigests } from './upload-digests.js';
import { stagingOf } from './upload-staging.js';

/** What a step's success means for its operation. */
export type StepMeaning = 'staged' | 'done' | 'none';

export interface UploadStep {
  /** Null for a check over several files, and for what tidies up. */
  readonly operation: BoardOperation | null;
  readonly meaning: StepMeaning;
  readonly kind:
    | 'make-folder'
    | 'put'
    | 'rename'
    | 'delete-file'
    | 'delete-folder'
    | 'check'
    | 'verify'
    | 'time';
  readonly path: string;
  /** rename: the final name. */
  readonly target?: string;
  /** rename: hash the file under its final name. */
  readonly hashed?: boolean;
  /** rename of a folder: what is in it and arrives with it. */
  readonly brings?: readonly BoardOperation[];
  /** check: what was hashed since the last one, in order. */
  readonly files?: readonly UploadStep[];
  /** time: in the board's epoch. */
  readonly seconds?: number;
}

const CODES: Readonly<Record<UploadStep['kind'], number>> = {
  'make-folder': 1,
  put: 2,
  rename: 3,
  'delete-file': 4,
  'delete-folder': 5,
  check: 6,
  verify: 7,
  time: 9,
};
const RENAME_AND_HASH = 8;
const RENAME_FOLDER = 10;

/**
 * One digest checks what was staged before anything is renamed, and one more the final names where
 * `verify` asks for it; only where a digest differs are files asked for one by one (verifySteps).
 * What arrives in a folder is read once, before: renaming the folder writes one entry above it.
 */
export function uploadSteps(
  operations: readonly BoardOperation[],
  options: Pick<ApplyOptions, 'strategy' | 'verify'>,
): readonly UploadStep[] {
  const isStaged = options.strategy === 'staged';
  const { places, brought } = stagingOf(operations, isStaged);
  const folders: UploadStep[] = [];
  const staged: UploadStep[] = [];
  const steps: UploadStep[] = [];
  const renamed: UploadStep[] = [];
  const alone = new Set(places.keys());
  for (const brings of brought.values()) for (const operation of brings) alone.delete(operation);
  for (const operation of operations) {
    const place = places.get(operation);
    if (operation.kind !== 'put') {
      const { kind, path } = operation;
      const brings = brought.get(operation);
      if (place === undefined) steps.push({ operation, meaning: 'done', kind, path });
      else folders.push({ operation, meaning: 'none', kind, path: place });
      if (place !== undefined && brings !== undefined)
        steps.push({
          operation,
          meaning: 'done',
          kind: 'rename',
          path: place,
          target: path,
          brings,
        });
      continue;
    }
    if (options.strategy === 'in-place') {
      const put: UploadStep = { operation, meaning: 'staged', kind: 'put', path: operation.path };
      steps.push(put, { operation, meaning: 'done', kind: 'check', path: '', files: [put] });
      continue;
    }
    const path = place as string;
    const put: UploadStep = { operation, meaning: 'staged', kind: 'put', path };
    if (isStaged) staged.push(put);
    else steps.push(put, checkOf([put]));
    if (!alone.has(operation)) continue;
    const meaning = options.verify ? 'none' : 'done';
    const target = operation.path;
    const hashed = options.verify;
    const rename: UploadStep = { operation, meaning, kind: 'rename', path, target, hashed };
    steps.push(rename);
    renamed.push(rename);
  }
  const written = inWritingOrder(staged);
  const before = staged.length > 0 ? [...written, checkOf(written)] : [];
  const after = options.verify && renamed.length > 0 ? [checkOf(renamed)] : [];
  return [...folders, ...before, ...steps, ...after];
}

/**
 * The order of writing is free. Files of one kind next to each other share the compressor's window;
 * small ones come first, since they keep the flash busy when the last byte has come, large ones the wire.
 */
function inWritingOrder(staged: readonly UploadStep[]): readonly UploadStep[] {
  const kinds = new Map<string, { steps: UploadStep[]; bytes: number }>();
  for (const step of staged) {
    const { path, sizeBytes } = step.operation as PutOperation;
    const kind = /\.([^./]+)$/.exec(path)?.[1] ?? '';
    const group = kinds.get(kind) ?? { steps: [], bytes: 0 };
    group.steps.push(step);
    group.bytes += sizeBytes;
    kinds.set(kind, group);
  }
  const mean = (group: { steps: UploadStep[]; bytes: number }) => group.bytes / group.steps.length;
  return [...kinds.values()].sort((a, b) => mean(a) - mean(b)).flatMap((group) => group.steps);
}

function checkOf(files: readonly UploadStep[]): UploadStep {
  return { operation: null, meaning: 'none', kind: 'check', path: '', files };
}

/** The files of a check that failed, one by one. */
export function verifySteps(check: UploadStep): readonly UploadStep[] {
  const isLast = (file: UploadStep) => file.kind === 'rename' || check.operation !== null;
  return (check.files ?? []).map((file) => ({
    operation: file.operation,
    meaning: isLast(file) ? 'done' : 'none',
    kind: 'verify',
    path: file.target ?? file.path,
  }));
}

/** One step in the agent's logical stream; a put's content follows its head. */
export async function* encodeStep(
  step: UploadStep,
  digests: UploadDigests,
): AsyncGenerator<Uint8Array> {
  if (step.kind === 'check') {
    yield Uint8Array.of(CODES.check);
    yield await digests.over((step.files ?? []).map((file) => file.operation as PutOperation));
    return;
  }
  const head = [Uint8Array.of(codeOf(step)), ...named(step.path)];
  if (step.kind === 'rename') head.push(...named(step.target as string));
  if (step.kind === 'verify') head.push(await digests.of(step.operation as PutOperation));
  if (step.kind === 'time') head.push(number7(step.seconds as number));
  if (step.kind === 'put') head.push(number7((step.operation as PutOperation).sizeBytes));
  yield Buffer.concat(head);
  if (step.kind === 'put') yield* exactContent(step.operation as PutOperation);
}

/** A file may take an old one's place; a folder takes its name only where nothing stands. */
function codeOf(step: UploadStep): number {
  if (step.brings !== undefined) return RENAME_FOLDER;
  return step.hashed === true ? RENAME_AND_HASH : CODES[step.kind];
}

function named(path: string): readonly Uint8Array[] {
  const bytes = Buffer.concat([Buffer.from('/'), bytesOfPath(path)]);
  return [number7(bytes.length), bytes];
}

/** Seven bits a byte, low first, high bit set on all but the last. */
function number7(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

async function* exactContent(operation: PutOperation): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const part of operation.content()) {
    bytes += part.length;
    if (bytes > operation.sizeBytes) break;
    yield part;
  }
  if (bytes !== operation.sizeBytes) {
    throw new BelayError(
      'archive/damaged',
      `/${operation.path}: the archive gave ${bytes} bytes instead of ${operation.sizeBytes}`,
    );
  }
}
