/** `export`: a backup as a folder-like archive that others read (.tar, .tgz, .zip) or a self-contained .blb. */
import { BlbFileWriter } from '../archive/blb-file.js';
import type { NewFile } from '../archive/blb-writer.js';
import { pathOfEntry } from '../archive/manifest.js';
import { newFileOf } from '../archive/member-copy.js';
import { filesOf } from '../chain/materialize.js';
import { throwIfAborted } from '../core/errors.js';
import { addStreamed } from './add-streamed.js';
import type { JobContext, StoreParts } from './context.js';
import type { ExportOptions, ExportResult } from './exchange-format.js';
import { formatOf, splitHostPath } from './exchange-format.js';
import { exportForOthers } from './export-others.js';
import { extractBackup, selectContent } from './extract.js';
import { JobVoice } from './job-voice.js';
import { manifestDraft } from './manifest-draft.js';

export type { ExportOptions, ExportResult };

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
  if (format !== 'blb') return exportForOthers(parts, options, format, context);
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
