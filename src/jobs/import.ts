/** `import`: a project folder or an archive of others as a backup that can be restored to any board. */

import type { BlbWriter } from '../archive/blb-writer.js';
import type { Manifest, ManifestDeviceInfo } from '../archive/manifest.js';
import { nextSequence } from '../chain/lineage.js';
import { BelayError, throwIfAborted } from '../core/errors.js';
import type { Tree } from '../core/tree.js';
import type { BackupFolder, StoredBackup } from '../store/backup-folder.js';
import type { HostTree } from '../store/host-import.js';
import { scanHostTree } from '../store/host-import.js';
import { readTarTree } from '../store/tar-tree.js';
import { readZipTree } from '../store/zip-tree.js';
import { addStreamed } from './add-streamed.js';
import { chainArchiveOf } from './archive-listing.js';
import { IMPORTED } from './board-differences.js';
import { identityOfManifest } from './board-identity.js';
import type { FailedPath, JobContext, StoreParts } from './context.js';
import type { ExchangeFormat } from './exchange-format.js';
import { formatOf, nameOfInput } from './exchange-format.js';
import { selectContent } from './extract.js';
import { JobVoice } from './job-voice.js';
import { manifestDraft } from './manifest-draft.js';
import { filterTree } from './plan-backup.js';

export interface ImportOptions {
  /** A folder, .tar, .tgz, .zip or .blb. */
  readonly input: string;
  /** Whose backups it joins; default a board of the input's name. */
  readonly boardName?: string | null | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly description?: string | null | undefined;
  /** Also an archive that is older than its board's newest backup, after which it will count. */
  readonly olderToo?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface ImportResult {
  /** null in a dry run. */
  readonly backupId: string | null;
  readonly archive: string | null;
  readonly manifest: Manifest | null;
  readonly fileCount: number;
  readonly totalOriginalSize: number;
  readonly failed: readonly FailedPath[];
}

/**
 * One full backup out of files that no board sent. It belongs to the board named `boardName`
 * (default: the input's own name), and `restore` puts it onto any board. Backups are ordered by when
 * they came into the folder, so an import is its board's newest: an archive that would put an older
 * state there is refused with `usage/unanswered` unless `olderToo`.
 */
export async function importBackup(
  parts: StoreParts,
  options: ImportOptions,
  context: JobContext,
): Promise<ImportResult> {
  const voice = new JobVoice(context);
  const format = formatOf(options.input);
  voice.begin('scanning');
  const input =
    format === 'blb'
      ? await inputOfArchive(parts, options, voice, context)
      : await inputOfFiles(options, format, context);
  voice.end();
  for (const { path, message } of input.failed) voice.warn('left-out', message, path);
  try {
    return await importInput(parts, options, input, voice, context);
  } finally {
    await input.close();
  }
}

interface ImportInput {
  readonly tree: Tree;
  readonly device: ManifestDeviceInfo;
  readonly description: string | null;
  /** When the board had these files; null where nobody knows. */
  readonly createdAt: string | null;
  readonly failed: readonly FailedPath[];
  readonly read: (path: string) => AsyncIterable<Uint8Array>;
  readonly close: () => Promise<void>;
}

async function inputOfFiles(
  options: ImportOptions,
  format: Exclude<ExchangeFormat, 'blb'>,
  context: JobContext,
): Promise<ImportInput> {
  const { include = [], exclude = [], input } = options;
  const host = await readHostTree(input, format, context.signal);
  return {
    tree: filterTree(host.tree, { include, exclude }),
    device: deviceOf(options.boardName ?? nameOfInput(input)),
    description: null,
    createdAt: null,
    failed: host.skipped.map(({ path, why }) => ({
      path,
      code: 'store/unsafe-path',
      message: why,
    })),
    read: (path) => host.read(path),
    close: () => host.close(),
  };
}

function readHostTree(
  input: string,
  format: Exclude<ExchangeFormat, 'blb'>,
  signal: AbortSignal,
): Promise<HostTree> {
  const reading = { signal, decodeNames: true };
  if (format === 'folder') return scanHostTree(input, reading);
  if (format === 'zip') return readZipTree(input, reading);
  return readTarTree(input, { ...reading, gzip: format === 'tgz' });
}

/** An archive of ours keeps its board, unless another one is named; its files are verified first. */
async function inputOfArchive(
  parts: StoreParts,
  options: ImportOptions,
  voice: JobVoice,
  context: JobContext,
): Promise<ImportInput> {
  const { include, exclude, boardName, input } = options;
  const wanted = { backup: input, include, exclude };
  const { source, entries, missing } = await selectContent(parts, wanted, voice, context);
  const { deviceInfo, description, createdAt } = source.tip.manifest;
  const kept = new Set(entries.map((entry) => entry.path));
  return {
    tree: source.tree.filter((entry) => kept.has(entry.path)),
    device: boardName === undefined || boardName === null ? deviceInfo : deviceOf(boardName),
    description,
    createdAt,
    failed: missing,
    read: (path) => source.content.read(path),
    close: () => source.content.close(),
  };
}

async function importInput(
  { store }: StoreParts,
  options: ImportOptions,
  input: ImportInput,
  voice: JobVoice,
  context: JobContext,
): Promise<ImportResult> {
  const files = input.tree.filter((entry) => entry.kind === 'file');
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const counts = {
    fileCount: files.length,
    totalOriginalSize: bytes,
    failed: input.failed,
  };
  const boardFolder = await store.boardFolderFor(identityOfManifest(input.device));
  if (options.olderToo !== true) await refuseOlder(store, boardFolder, input.createdAt);
  if (options.dryRun === true) return { backupId: null, archive: null, manifest: null, ...counts };
  const lockOptions = {
    retryMs: options.retryLockMs ?? 0,
    signal: context.signal,
  };
  const lock = await store.lock(boardFolder, 'import', lockOptions);
  const archive = await store.create(boardFolder, 'backup', { compress: true });
  try {
    await store.sweep();
    voice.begin('compressing', { files: files.length, bytes });
    await fillWith(archive.writer, input, voice, context.signal);
    const stored = await backupsIn(store, boardFolder);
    const draft = manifestDraft(
      {
        sequence: nextSequence(stored.map(chainArchiveOf)),
        backupType: 'full',
        deviceInfo: input.device,
        scope: {
          roots: [''],
          path: '',
          patterns: { include: [], exclude: [] },
        },
        description: options.description ?? input.description,
        options: { importedFrom: nameOfInput(options.input) },
        durationMs: voice.elapsedMs,
      },
      context,
    );
    const { manifest, path } = await archive.commit(draft, {
      signal: context.signal,
    });
    voice.end();
    return { backupId: manifest.backupId, archive: path, manifest, ...counts };
  } finally {
    await archive.abort();
    await lock.release();
  }
}

async function backupsIn(store: BackupFolder, boardFolder: string): Promise<StoredBackup[]> {
  const stored = await store.list({ safety: true });
  return stored.filter((each) => each.boardFolder === boardFolder);
}

/** Dates decide nothing here but whether to ask: the order stays that of coming into the folder. */
async function refuseOlder(
  store: BackupFolder,
  boardFolder: string,
  createdAt: string | null,
): Promise<void> {
  if (createdAt === null) return;
  const newest = (await backupsIn(store, boardFolder))
    .flatMap(({ head, safety }) => (head === null || safety ? [] : [head.manifest]))
    .sort((a, b) => a.sequence - b.sequence)
    .at(-1);
  if (newest === undefined || newest.createdAt <= createdAt) return;
  throw new BelayError(
    'usage/unanswered',
    `the archive of ${createdAt} is older than the newest backup of its board (${newest.createdAt}), whose place it would take`,
    {
      hint: 'keep it apart with --board <name>, or import it as the newest with --yes',
      details: { createdAt, newest: newest.backupId },
    },
  );
}

async function fillWith(
  writer: BlbWriter,
  input: ImportInput,
  voice: JobVoice,
  signal: AbortSignal,
): Promise<void> {
  for (const entry of input.tree) {
    throwIfAborted(signal);
    if (entry.kind === 'folder') writer.addFolder(entry.path);
    if (entry.kind !== 'file') continue;
    const { path, sizeBytes, modifiedS, sha256 } = entry;
    const meta = {
      path,
      sizeBytes,
      modifiedS,
      sha256: sha256 as string,
      checkedBy: 'sha256' as const,
    };
    await addStreamed(writer, meta, input.read(path));
    voice.advance(sizeBytes, path);
    voice.fileDone(path);
  }
}

/** Files that come from no board: any board may get them. */
function deviceOf(boardName: string): ManifestDeviceInfo {
  return {
    firmware: IMPORTED,
    version: '',
    machine: 'imported files',
    platform: '',
    uniqueId: null,
    boardName,
    usbSerial: null,
    epochYear: 1970,
    mounts: [],
    mpy: null,
    probe: {},
  };
}
