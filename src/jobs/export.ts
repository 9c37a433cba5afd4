/** `export`: a backup as a folder-like archive that others read (.tar, .tgz, .zip) or a self-contained .blb. */
import { BlbFileWriter } from '../archive/blb-file.js';
import type { NewFile } from '../archive/blb-writer.js';
import { pathOfEntry } from '../archive/manifest.js';
import { newFileOf } from '../archive/member-copy.js';
import { filesOf } from '../chain/materialize.js';
import { throwIfAborted } from '../core/errors.js';
import { addStreamed } from './add-streamed.js';
import type { FailedPath, JobContext, StoreParts } from './context.js';
import { formatOf, notYet, splitHostPath } from './exchange-format.js';
import { extractBackup, selectContent } from './extract.js';
import { JobVoice } from './job-voice.js';
import { manifestDraft } from './manifest-draft.js';

export interface ExportOptions {
  readonly backup: string;
  /** The ending decides the format: .tar, .tgz, .tar.gz, .zip, .blb; a folder otherwise. */
  readonly output: string;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface ExportResult {
  readonly backupId: string;
  readonly output: string;
  readonly format: 'tar' | 'tgz' | 'zip' | 'blb' | 'folder';
  readonly filesWritten: number;
  readonly bytesWritten: number;
  readonly failed: readonly FailedPath[];
}

/** Verifies what it reads in full. The `.blb` it makes is a full one: it needs no other archive. */
export async function exportBackup(
  parts: StoreParts,
  options: ExportOptions,
  context: JobContext,
): Promise<ExportResult> {
  const format = formatOf(options.output);
  if (format === 'folder') {
    const done = await extractBackup(parts, options, context);
    const { backupId, output, filesWritten, bytesWritten, failed } = done;
    return { backupId, output, format, filesWritten, bytesWritten, failed };
  }
  if (format !== 'blb') throw notYet('export', format);
  return exportArchive(parts, options, context);
}

async function exportArchive(
  parts: StoreParts,
  options: ExportOptions,
  context: JobContext,
): Promise<ExportResult> {
  const voice = new JobVoice(context);
  const { source, entries, missing } = await selectContent(parts, options, voice, context);
  const { manifest } = source.tip;
  const files = entries.filter((entry) => entry.kind === 'file');
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const result: ExportResult = {
    backupId: manifest.backupId,
    output: options.output,
    format: 'blb',
    filesWritten: files.length,
    bytesWritten: bytes,
    failed: missing,
  };
  try {
    if (options.dryRun === true) return result;
    const { folder, name } = splitHostPath(options.output);
    const { randomHex, pid = 0, signal } = context;
    const archive = await BlbFileWriter.create(folder, {
      compress: true,
      pid,
      randomHex,
    });
    try {
      voice.begin('compressing', { files: files.length, bytes });
      const metas = new Map(
        filesOf(manifest).map((entry) => [pathOfEntry(entry), newFileOf(entry)]),
      );
      for (const { path, code, message } of missing)
        archive.writer.addFailure(path, false, code, message);
      for (const entry of entries) {
        throwIfAborted(signal);
        if (entry.kind === 'folder') archive.writer.addFolder(entry.path);
        else {
          await addStreamed(archive.writer, metas.get(entry.path) as NewFile, entry.content());
          voice.advance(entry.sizeBytes, entry.path);
          voice.fileDone(entry.path);
        }
      }
      const { createdAt, utcOffsetMinutes, deviceInfo, description, metadata, scope, sequence } =
        manifest;
      const kept = {
        createdAt,
        utcOffsetMinutes,
        deviceInfo,
        description,
        metadata,
        scope,
        sequence,
      };
      const exported = { exportedFrom: manifest.backupId };
      const draft = manifestDraft(
        {
          ...kept,
          backupType: 'full',
          options: exported,
          durationMs: voice.elapsedMs,
        },
        context,
      );
      await archive.commit(draft, () => name, { signal });
      voice.end();
      return result;
    } finally {
      await archive.abort();
    }
  } finally {
    await source.content.close();
  }
}
