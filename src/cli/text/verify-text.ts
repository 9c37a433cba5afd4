/** What a verification found, for people. */
import { displayPath } from '../../core/device-path.js';
import type { VerifiedArchive, VerifyResult } from '../../jobs/verify.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import { warningText } from '../../ui/progress-text.js';
import type { Style } from '../terminal.js';
import { bounded, fileNameOf, paint, shortId, withoutPath } from './style.js';

const FINDINGS_SHOWN_MAX = 20;

export function verifyLines(result: VerifyResult, style: Style): string[] {
  const restorable = result.archives.filter((archive) => archive.restorable).length;
  const total = result.archives.length;
  return [
    ...result.archives.flatMap((archive) => archiveLines(archive, style)),
    `${countOf(total, 'archive')} read, ${formatBytes(result.bytesRead)}; ${restorable} of ${total} can be restored.`,
  ];
}

function archiveLines(archive: VerifiedArchive, style: Style): string[] {
  const good =
    archive.findings.length === 0 && (archive.state === 'ok' || archive.state === 'partial');
  const mark = good ? paint(style, 'green', 'verified') : paint(style, 'red', archive.state);
  const partial = good && archive.state === 'partial' ? ', partial' : '';
  const id = archive.backupId === null ? '????????' : shortId(archive.backupId);
  const findings = archive.findings.map(
    (finding) =>
      `    ${finding.code}: ${warningText({ ...finding, message: withoutPath(finding.message, archive.archive) })}`,
  );
  const restorable = !good && archive.restorable ? ', can be restored all the same' : '';
  return [
    `${id}  ${mark}${partial}${restorable}  ${fileNameOf(archive.archive)}`,
    ...(good ? [] : [`    ${displayPath(archive.archive)}`]),
    ...bounded(findings, FINDINGS_SHOWN_MAX, ''),
  ];
}
