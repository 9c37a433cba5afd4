/**
 * Looks at JSON text before it is parsed, so that a hostile manifest is refused before anything is
 * allocated for it. Not a validator: JSON.parse stays the judge of the grammar.
 */
import { MANIFEST_BYTES_MAX, TREE_ENTRIES_MAX } from '../core/limits.js';

/** Objects and arrays inside each other; version 1 itself needs 5. */
export const JSON_DEPTH_MAX = 64;
/** Every entry is one object, and may have a member of its own. */
const CONTAINERS_MAX = 2.5 * TREE_ENTRIES_MAX;
const VALUES_MAX = 16 * TREE_ENTRIES_MAX;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** The limit that the text exceeds, or null. */
export function jsonLimitExceeded(bytes: Uint8Array): string | null {
  if (bytes.length > MANIFEST_BYTES_MAX) {
    return `${bytes.length} bytes where at most ${MANIFEST_BYTES_MAX} are read`;
  }
  let depth = 0;
  let containers = 0;
  let values = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
    } else if (byte === COMMA) {
      values += 1;
    } else if ((byte | 0x20) === 0x7b) {
      // `{` and `[` differ from each other, and from `}` and `]`, in bit 0x20 only.
      depth += 1;
      containers += 1;
      if (depth > JSON_DEPTH_MAX) return `nested deeper than ${JSON_DEPTH_MAX}`;
      if (containers > CONTAINERS_MAX) return `more than ${TREE_ENTRIES_MAX} entries`;
    } else if ((byte | 0x20) === 0x7d) {
      depth -= 1;
    }
  }
  return values > VALUES_MAX ? `more than ${VALUES_MAX} values` : null;
}

/** Offset of the closing quote, or the end. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === BACKSLASH) at += 1;
    else if (byte === QUOTE) return at;
  }
  return bytes.length;
}

/** True where an object anywhere in a parsed value has a key `__proto__`: refused, never copied. */
export function hasProtoKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasProtoKey);
  return Object.keys(value).some(
    (key) => key === '__proto__' || hasProtoKey((value as Record<string, unknown>)[key]),
  );
}
