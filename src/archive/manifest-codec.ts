/**
 * manifest.json between bytes and data. Reading is strict: the bytes must be exactly what
 * JSON.stringify makes of their content, so duplicate keys, odd numbers, white space and escapes
 * that say the same in another way are refused; then schema, then rules.
 */
import { displayPath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import { hasProtoKey, jsonLimitExceeded } from './json-bounds.js';
import type { Manifest } from './manifest.js';
import { manifestViolations } from './manifest-rules.js';
import type { FrozenFields } from './manifest-schema.js';
import { frozenSchema, manifestSchema } from './manifest-schema.js';

export const FORMAT_VERSION = 1;

/** Features that this version knows, beyond what every reader of version 1 does. */
const KNOWN_FEATURES: ReadonlySet<string> = new Set();

/**
 * Throws archive/limit, archive/manifest, archive/path; archive/unsupported where a newer Belay is
 * needed, with `details.frozen` (FrozenFields) for listings.
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  const { value, text } = parseJson(bytes);
  refuseNewer(value);
  if (JSON.stringify(value) !== text) throw manifestError('not in canonical form');
  if (Object.keys(value as object).at(-1) !== 'files') throw manifestError('"files" is not last');
  const manifest = checkedManifest(value);
  for (const { code, message, path } of manifestViolations(manifest)) {
    throw new BelayError(code, `manifest.json: ${message}`, { details: { path } });
  }
  return manifest;
}

/** Canonical bytes, `files` last. Fields that the types do not name are kept. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { files, ...rest } = manifest;
  return new TextEncoder().encode(JSON.stringify({ ...rest, files }));
}

/** Features that an operation on this archive would need and this version does not have. */
export function missingFeatures(
  manifest: Pick<Manifest, 'requiredFeatures'>,
  operation: 'read' | 'extend' | 'merge',
): readonly string[] {
  return manifest.requiredFeatures[operation].filter((feature) => !KNOWN_FEATURES.has(feature));
}

/** What an archive of any version says of itself, from an archive/unsupported error; else null. */
export function frozenFieldsOf(error: unknown): FrozenFields | null {
  if (!(error instanceof BelayError) || error.code !== 'archive/unsupported') return null;
  const parsed = frozenSchema.safeParse(error.details['frozen']);
  return parsed.success ? parsed.data : null;
}

function parseJson(bytes: Uint8Array): { value: unknown; text: string } {
  const exceeded = jsonLimitExceeded(bytes);
  if (exceeded !== null) {
    throw new BelayError('archive/limit', `manifest.json: limit exceeded: ${exceeded}`);
  }
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw manifestError('not JSON in UTF-8', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw manifestError('not a JSON object');
  }
  if (hasProtoKey(value)) throw manifestError('a key "__proto__"');
  return { value, text };
}

/** A version or a feature from the future, as far as the frozen fields can be trusted. */
function refuseNewer(value: unknown): void {
  const frozen = frozenSchema.safeParse(value);
  if (!frozen.success) return;
  if (frozen.data.formatVersion > FORMAT_VERSION) {
    throw unsupported(`format version ${frozen.data.formatVersion}`, frozen.data);
  }
  const features = (value as { requiredFeatures?: { read?: unknown } }).requiredFeatures?.read;
  if (!Array.isArray(features)) return;
  const missing = features.find((feature) => !KNOWN_FEATURES.has(feature as string));
  if (typeof missing === 'string') {
    throw unsupported(`the feature "${displayPath(missing).slice(0, 80)}"`, frozen.data);
  }
}

function unsupported(what: string, frozen: FrozenFields): BelayError {
  return new BelayError(
    'archive/unsupported',
    `needs a newer belay-backup: ${what}, where this one reads format version ${FORMAT_VERSION}`,
    { hint: 'Update belay-backup, then try again.', details: { frozen } },
  );
}

function checkedManifest(value: unknown): Manifest {
  const result = manifestSchema.safeParse(value);
  if (result.success) {
    // Compiles only where the schema promises what the types say.
    const copy: Manifest = result.data;
    // Not zod's copy, but the parsed value itself: it keeps unknown fields in their places.
    return value as typeof copy;
  }
  const issue = result.error.issues[0];
  const where = displayPath(issue?.path.map(String).join('.') ?? '').slice(0, 120);
  throw manifestError(
    `${where}: ${displayPath(issue?.message ?? 'not as specified').slice(0, 200)}`,
  );
}

function manifestError(problem: string, cause?: unknown): BelayError {
  return new BelayError('archive/manifest', `manifest.json: ${problem}`, { cause });
}
