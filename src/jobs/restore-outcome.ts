/** A prepared restore, carried out or only shown, as the library answers it. */
import type { RestoreOutcome } from './library-options.js';
import type { PreparedRestore, RestoreResult } from './restore-options.js';

export async function finishRestore(
  prepared: PreparedRestore,
  dryRun: boolean,
): Promise<RestoreOutcome> {
  if (!dryRun) return outcomeOf(prepared, await prepared.carryOut());
  await prepared.cancel();
  return outcomeOf(prepared, null);
}

function outcomeOf(prepared: PreparedRestore, result: RestoreResult | null): RestoreOutcome {
  const { plan } = prepared;
  const failed = result === null ? plan.unfit : result.summary.failed;
  const ended = (kind: 'put' | 'delete-file') =>
    plan.operations
      .filter(
        (operation) =>
          operation.kind === kind && !failed.some((each) => each.path === operation.path),
      )
      .map((operation) => operation.path);
  return {
    backupId: prepared.source.backupId,
    written: ended('put'),
    skipped: plan.skipped.map((each) => each.path),
    deleted: ended('delete-file'),
    failed,
    bytes: result === null ? plan.bytesToWrite : result.summary.bytesWritten,
    durationMs: result?.summary.durationMs ?? 0,
    verified: result?.summary.verified ?? false,
    timesSet: result?.summary.timesSet ?? 0,
    safetyArchive: result?.safetyArchive ?? null,
    warnings: prepared.warnings,
    plan,
  };
}
