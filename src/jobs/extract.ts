/** `extract`: files of a backup into a folder of this computer. */
import { displayPath } from '../core/device-path.js';
import type { ExtractEntry } from '../store/host-tree.js';
import { extractTree } from '../store/host-tree.js';
import { listArchives } from './archive-listing.js';
import type { FailedPath, JobContext, StoreParts } from './context.js';
import { JobVoice } from './job-voice.js';
import { selectEntries } from './restore-selection.js';
import type { SourceBackup } from './restore-source.js';
import { verifiedSource } from './restore-source.js';
import { chooseBackup } from './select-backup.js';
import { VerifiedArchives } from './verified-archives.js';

export interface ExtractOptions {
  readonly backup: string;
  /** Files and folders; default everything. */
  readonly paths?: readonly string[] | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly output: string;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
  readonly keepGoing?: boolean | undefined;
}

export interface ExtractResult {
  readonly backupId: string;
  readonly output: string;
  readonly filesWritten: number;
  readonly foldersMade: number;
  readonly bytesWritten: number;
  /** Board paths in the order they were (or would be) written. */
  readonly paths: readonly string[];
  /** Names this computer can't hold, content that is missing: exit status 3 where not empty. */
  readonly failed: readonly FailedPath[];
}

/**
 * Verifies every archive it reads from in full before the first file is written. Files that are
 * there already with the same content are left alone; others are replaced.
 */
export async function extractBackup(
  parts: StoreParts,
  options: ExtractOptions,
  context: JobContext,
): Promise<ExtractResult> {
  const voice = new JobVoice(context);
  const { source, entries, missing } = await selectContent(parts, options, voice, context);
  try {
    const files = entries.filter((entry) => entry.kind === 'file');
    const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const head = {
      backupId: source.tip.manifest.backupId,
      output: options.output,
    };
    if (options.dryRun === true) {
      const paths = entries.map((entry) => entry.path);
      return {
        ...head,
        filesWritten: files.length,
        foldersMade: entries.length - files.length,
        bytesWritten: bytes,
        paths,
        failed: missing,
      };
    }
    voice.begin('extracting', { files: files.length, bytes });
    const done = await extractTree(options.output, entries, {
      overwrite: 'if-changed',
      names: 'encode',
      pid: context.pid ?? 0,
      randomHex: context.randomHex,
      signal: context.signal,
      onDone: (path, count) => {
        voice.advance(count, path);
        voice.fileDone(path);
      },
    });
    voice.end();
    for (const { path, hostPath } of done.encoded)
      voice.warn('name-encoded', `${displayPath(path)} is written as ${hostPath}`, path);
    const kinds = new Map(entries.map((entry) => [entry.path, entry]));
    const written = done.written.flatMap((path) => kinds.get(path) ?? []);
    const refused = done.refused.map(({ path, error }) => ({
      path,
      code: error.code,
      message: error.message,
    }));
    return {
      ...head,
      filesWritten: written.filter((entry) => entry.kind === 'file').length,
      foldersMade: written.filter((entry) => entry.kind === 'folder').length,
      bytesWritten: written.reduce(
        (sum, entry) => sum + (entry.kind === 'file' ? entry.sizeBytes : 0),
        0,
      ),
      paths: done.written,
      failed: [...missing, ...refused],
    };
  } finally {
    await source.content.close();
  }
}

export interface SelectedContent {
  readonly source: SourceBackup;
  readonly entries: readonly ExtractEntry[];
  /** Selected, but in no archive, or never read. */
  readonly missing: readonly FailedPath[];
}

type Selected = Pick<
  ExtractOptions,
  'backup' | 'paths' | 'include' | 'exclude' | 'board' | 'keepGoing'
>;

/** Chosen files of a backup with their content, every archive verified. The caller closes `source.content`. */
export async function selectContent(
  parts: StoreParts,
  options: Selected,
  voice: JobVoice,
  context: JobContext,
): Promise<SelectedContent> {
  const listing = await listArchives(parts.store);
  const stored = await chooseBackup(
    parts,
    { wanted: options.backup, board: options.board, safety: true },
    listing,
  );
  const { paths = [], include = [], exclude = [] } = options;
  const selection = { paths, include, exclude };
  voice.begin('verifying', { files: 0, bytes: stored.archiveBytes });
  const verified = new VerifiedArchives(parts.store, context.signal, (count) =>
    voice.advance(count),
  );
  const source = await verifiedSource({ store: parts.store, verified }, stored, listing, {
    keepGoing: options.keepGoing ?? false,
    wanted: (tree) => {
      const wanted = new Set(selectEntries(tree, selection).map((entry) => entry.path));
      return (path) => wanted.has(path);
    },
  });
  voice.end();
  const entries: ExtractEntry[] = [];
  const missing: FailedPath[] = [];
  for (const entry of selectEntries(source.tree, selection)) {
    const { path } = entry;
    if (entry.kind === 'failed')
      missing.push({
        path,
        code: entry.code,
        message: `the backup could not read it: ${entry.message}`,
      });
    else if (entry.kind === 'folder') entries.push({ kind: 'folder', path });
    else if (!source.content.has(path))
      missing.push({
        path,
        code: 'chain/missing-content',
        message: 'no archive holds its content',
      });
    else {
      const { sizeBytes, modifiedS } = entry;
      entries.push({
        kind: 'file',
        path,
        sizeBytes,
        sha256: entry.sha256 as string,
        modifiedS,
        content: () => source.content.read(path),
      });
    }
  }
  return { source, entries, missing };
}
