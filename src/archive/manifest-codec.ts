/**
 * manifest.json between bytes and data. Reading is strict: the bytes must be exactly what
 * JSON.stringify makes of their content, so duplicate keys, odd numbers, white space and escapes
 * that say the same in another way are refused; then schema, then rules.
 */
import { displayPath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import { hasProtoKey, jsonLimitExceeded } from './json-bounds.js';
import type { Manifest } from './manifest.js';
import { firstViolation } from './manifest-rules.js';
import type { FrozenFields } from './manifest-schema.js';
import { frozenSchema, manifestSchema } from './manifest-schema.js';

export const FORMAT_VERSION = 1;

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
  const violation = firstViolation(manifest);
  if (violation === null) return manifest;
  const { code, message, path } = violation;
  throw new BelayError(code, `manifest.json: ${message}`, { details: { path } });
}

/** Canonical bytes, `files` last. Fields that the types do not name are kept. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { files, ...rest } = manifest;
  return new TextEncoder().encode(JSON.stringify({ ...rest, files }));
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
  // Version 1 asks for no feature beyond itself, so whatever stands there is a newer one.
  const { requiredFeatures } = value as { requiredFeatures?: { read?: unknown } };
  const features = requiredFeatures?.read;
  const missing = Array.isArray(features) ? features[0] : undefined;
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
  const { path, message } = result.error.issues[0] as (typeof result.error.issues)[number];
  const where = displayPath(path.map(String).join('.')).slice(0, 120);
  throw manifestError(`${where}: ${displayPath(message).slice(0, 200)}`);
}

function manifestError(problem: string, cause?: unknown): BelayError {
  return new BelayError('archive/manifest', `manifest.json: ${problem}`, { cause });
}
