/** A backup as a .tar, .tgz or .zip that others read. */
import { displayPath } from '../core/device-path.js';
import { exchangeNameOf } from '../store/exchange-output.js';
import { writeTarTree } from '../store/tar-tree.js';
import { writeZipTree } from '../store/zip-tree.js';
import type { JobContext, StoreParts } from './context.js';
import type { ExportOptions, ExportResult } from './exchange-format.js';
import { selectContent } from './extract.js';
import { JobVoice } from './job-voice.js';

/** Verifies what it reads in full. Throws store/exists where the output is there already. */
export async function exportForOthers(
  parts: StoreParts,
  options: ExportOptions,
  format: 'tar' | 'tgz' | 'zip',
  context: JobContext,
): Promise<ExportResult> {
  const voice = new JobVoice(context);
  const { source, entries, missing } = await selectContent(parts, options, voice, context);
  try {
    const files = entries.filter((entry) => entry.kind === 'file');
    const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    if (options.dryRun !== true) {
      voice.begin('compressing', { files: files.length, bytes });
      const settings = {
        pid: context.pid ?? 0,
        randomHex: context.randomHex,
        signal: context.signal,
        onDone: (path: string, count: number) => {
          voice.advance(count, path);
          voice.fileDone(path);
        },
      };
      if (format === 'zip') await writeZipTree(options.output, entries, settings);
      else await writeTarTree(options.output, entries, { ...settings, gzip: format === 'tgz' });
      voice.end();
      for (const entry of entries) {
        const name = exchangeNameOf(entry).replace(/\/$/, '');
        if (name !== entry.path)
          voice.warn(
            'name-encoded',
            `${displayPath(entry.path)} is written as ${name}`,
            entry.path,
          );
      }
    }
    return {
      backupId: source.tip.manifest.backupId,
      output: options.output,
      format,
      filesWritten: files.length,
      bytesWritten: bytes,
      failed: missing,
    };
  } finally {
    await source.content.close();
  }
}
